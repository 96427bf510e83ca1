"""What the writing verbs return: small values with the fields of INTERFACE and no row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakehouse.core.lineage import Version


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

    @classmethod
    def of(cls, version: Version, details: Mapping[str, Any], *, repeated: bool) -> "TableResult":
        """Return the result that a signed version and the details of its record state."""
        return cls(
            dataset=details["dataset"],
            table=version.table,
            version=version.version,
            received=details["received"],
            accepted=details["accepted"],
            quarantined=details["quarantined"],
            reasons=details["reasons"],
            subjects=details["subjects"],
            rows=version.rows,
            leaf=version.leaf,
            file_digest=version.file_digest,
            content_digest=version.content_digest,
            repeated=repeated,
            batch=details["batch"],
            findings=details["findings"],
            checks_failed=sum(not check["success"] for check in details.get("checks", ())),
        )

    def as_json(self) -> dict[str, object]:
        """Return the object of `batches[]` and `silver[]`."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
