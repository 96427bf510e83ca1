"""Make the home of LIVINGLAB_HOME ready for the site of LIVINGLAB_SITE; one that is there is only opened."""

import os
import sys
from pathlib import Path

from lakehouse.errors import LivingLabError
from lakehouse.sites import open_site


def main() -> int:
    """Open or make the home; the exit code of the error where it cannot be."""
    try:
        site = open_site(Path(os.environ["LIVINGLAB_SITE"]), create=True)
    except LivingLabError as error:
        sys.stderr.write(f"{error.message}\n  {error.remedy}\n")
        return error.exit_code
    sys.stdout.write(f"{site.home.origin} is ready\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
