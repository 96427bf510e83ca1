"""What identifiers of German health and pension insurance look like."""

from lakehouse.adapters.identifier_pattern import IdentifierPattern
from lakehouse.core.check_digits import kvnr_holds, rvnr_holds

GERMAN_PATTERNS = (
    IdentifierPattern(
        entity="DE_KVNR",
        name="german_health_insurance_number",
        regex=r"(?-i:(?<![\w-])[A-Z]\d{9}(?![\w-]))",
        score=0.5,
        needs=r"\d{9}",
        check=kvnr_holds,
    ),
    IdentifierPattern(
        entity="DE_RVNR",
        name="german_pension_insurance_number",
        regex=r"(?-i:(?<![\w-])\d{2}[ -]?\d{6}[ -]?[A-Z][ -]?\d{3}(?![\w-]))",
        score=0.5,
        needs=r"\d{6}",
        check=rvnr_holds,
    ),
)
