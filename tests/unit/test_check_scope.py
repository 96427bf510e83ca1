from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.core.check_scope import by_person
from lakehouse.core.contract import Check, Layer

CONTRACTS = load_contracts(Path(__file__).resolve().parents[2] / "expectations")
CONDITIONS = CONTRACTS.by_table["silver.conditions"]


def checked(expect: str, **arguments: object) -> bool:
    return by_person(replace(CONDITIONS, checks=(Check(expect=expect, arguments=arguments),)))


@pytest.mark.parametrize(
    ("expect", "arguments", "scope"),
    [
        ("expect_column_values_to_be_between", {"column": "onset", "min_value": 0}, True),
        ("expect_column_values_to_be_between", {"column": "onset", "min_value": 0, "mostly": 0.9}, False),
        ("expect_column_values_to_be_unique", {"column": "condition"}, True),
        ("expect_column_values_to_be_unique", {"column": "code"}, False),
        ("expect_compound_columns_to_be_unique", {"column_list": ["code", "subject"]}, True),
        ("expect_compound_columns_to_be_unique", {"column_list": ["code", "encounter"]}, True),
        ("expect_compound_columns_to_be_unique", {"column_list": ["code", "onset"]}, False),
        ("expect_column_mean_to_be_between", {"column": "onset", "max_value": 9}, False),
        ("expect_table_row_count_to_be_between", {"max_value": 9}, False),
        ("expect_column_values_to_be_prime", {"column": "onset"}, False),
    ],
)
def test_a_check_sees_one_person_or_all(expect: str, arguments: dict[str, object], scope: bool) -> None:
    """Two people never share a keyed id; a share, a mean or a name nobody knows needs all rows."""
    assert checked(expect, **arguments) is scope


def test_our_own_silver_tables_are_refined_by_person() -> None:
    assert all(by_person(contract) for contract in CONTRACTS.of_layer(Layer.SILVER))
