"""What the writing verbs return: small values with the fields of INTERFACE and no row."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class TableResult:
    """One version of a bronze or silver table; `received` = `accepted` + `quarantined` input rows."""

    dataset: str
    table: str
    version: int
    received: int
    accepted: int
    quarantined: int
    reasons: Mapping[str, int]
    subjects: int
    rows: int
    leaf: int
    file_digest: str
    content_digest: str
    repeated: bool = False
    batch: int | None = None
    findings: Mapping[str, int] = field(default_factory=dict)
    checks_failed: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the object of `batches[]` and `silver[]`."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
