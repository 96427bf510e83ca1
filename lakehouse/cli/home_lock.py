"""One Airflow a home: a scheduler would take up the runs of a demo beside it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lakehouse.errors import Unavailable


@contextmanager
def hold_home(home: Path) -> Iterator[None]:
    """Keep other demos and UIs away from this home. Unavailable where one of them is running."""
    from lakehouse.adapters.file_locks import hold_locks

    with ExitStack() as held:
        try:
            held.enter_context(hold_locks(home / "locks", ["airflow"], wait=0.0))
        except Unavailable as error:
            raise Unavailable(
                "a demo or the Airflow UI of this home is running",
                remedy="wait for it, or stop it with Ctrl-C",
            ) from error
        yield
