"""What a table's checks have to see: the rows of one person, or all of them."""

from lakehouse.core.contract import Check, DatasetContract

ROW_CHECKS = frozenset(
    {
        "expect_column_pair_values_a_to_be_greater_than_b",
        "expect_column_pair_values_to_be_equal",
        "expect_column_pair_values_to_be_in_set",
        "expect_column_value_lengths_to_be_between",
        "expect_column_value_lengths_to_equal",
        "expect_column_values_to_be_between",
        "expect_column_values_to_be_in_set",
        "expect_column_values_to_be_null",
        "expect_column_values_to_match_regex",
        "expect_column_values_to_not_be_in_set",
        "expect_column_values_to_not_be_null",
        "expect_column_values_to_not_match_regex",
        "expect_select_column_values_to_be_unique_within_record",
    }
)
"""Checks of Great Expectations that a row meets or fails by itself."""
UNIQUE_CHECKS = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})
PERSONAL_METHODS = frozenset({"keyed_id"})
"""Methods whose values two people never share: a person's own key makes them."""


def by_person(contract: DatasetContract) -> bool:
    """Whether every check of a table may be held against the rows of some people after those of others."""
    return all(_is_by_person(contract, check) for check in contract.checks)


def _is_by_person(contract: DatasetContract, check: Check) -> bool:
    if "mostly" in check.arguments:
        return False
    if check.expect in UNIQUE_CHECKS:
        columns = check.arguments.get("column_list", [check.arguments.get("column")])
        return isinstance(columns, list | tuple) and any(_is_personal(contract, name) for name in columns)
    return check.expect in ROW_CHECKS


def _is_personal(contract: DatasetContract, name: object) -> bool:
    column = contract.column(str(name))
    return name == "subject" or (column is not None and column.handling.method in PERSONAL_METHODS)
