"""`[lineage]` of a site file: where OpenLineage events go as soon as something is written.

[lineage]
file = "/var/log/livinglab/lineage.ndjson"          # or url = "https://catalogue.example/api/v1/lineage"
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lakehouse.adapters.lineage_receiver import LineageReceiver
from lakehouse.core.toml_section import Section
from lakehouse.errors import WrongUse

TOKEN = "LIVINGLAB_LINEAGE_TOKEN"
"""The environment variable whose value goes along as a bearer token."""

ONE_MORE_TRY = (0.2,)
"""A write does not wait for a receiver: what it does not take now is sent later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageSettings:
    """A file or an address for events; the default names neither, and nothing is sent."""

    file: Path | None = None
    url: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether events go anywhere."""
        return self.file is not None or self.url is not None

    @property
    def target(self) -> str:
        """A digest that tells one destination from another without naming it."""
        return hashlib.sha256(f"{self.url or self.file}".encode()).hexdigest()

    def receiver(self) -> LineageReceiver:
        """Return the receiver behind `url`. WrongUse: the token cannot be sent there."""
        return LineageReceiver(url=str(self.url), token=os.environ.get(TOKEN), pauses=ONE_MORE_TRY)


def parse_lineage(section: Section | None, folder: Path) -> LineageSettings:
    """Return the settings; a relative file lies beside the site file. ContractError names file and key."""
    if section is None:
        return LineageSettings()
    file, url = section.optional_text("file"), section.optional_text("url")
    if (file is None) == (url is None):
        raise section.error("file", "or url must be named, one of the two")
    section.finish()
    settings = LineageSettings(file=folder / file if file else None, url=url)
    if url is not None:
        try:
            LineageReceiver(url=url)
        except WrongUse as error:
            raise section.error("url", error.message) from error
    return settings
