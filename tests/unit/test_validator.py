import json
import logging

import pyarrow as pa
import pytest

from lakehouse.adapters.gx_validator import Validator
from lakehouse.core.contract import Check
from lakehouse.errors import ContractError

CANARY = "Zyzzyva-4711"
ROWS = pa.table({"age": [61.0, 205.0, None], "sex": ["female", "male", CANARY]})


def check(expect, **arguments):
    return Check(expect=expect, arguments=arguments)


AGE = check("expect_column_values_to_be_between", column="age", min_value=0, max_value=130)
SEX = check("expect_column_values_to_be_in_set", column="sex", value_set=["female", "male"])


def test_failing_rows_are_named_by_index():
    """Row 1 is too old, row 2 has another word; null is not out of range."""
    result = Validator().validate(ROWS, [AGE, SEX])
    assert [(own.column, own.success, own.unexpected) for own in result.checks] == [
        ("age", False, 1), ("sex", False, 1),
    ]  # fmt: skip
    assert result.failing_rows == {1: AGE.expect, 2: SEX.expect}
    assert not result.success


def test_a_check_of_the_whole_names_no_row():
    """A row count or a mean fails without rows."""
    result = Validator().validate(ROWS, [
        check("expect_table_row_count_to_be_between", min_value=5),
        check("expect_column_mean_to_be_between", column="age", min_value=0, max_value=100),
    ])  # fmt: skip
    assert [own.success for own in result.checks] == [False, False]
    assert result.failing_rows == {}


def test_no_checks_hold():
    """A contract without checks is met."""
    assert Validator().validate(ROWS, []).success


def test_results_and_logs_hold_no_value(caplog, capsys):
    """The canary is in the rows and nowhere else; nothing is printed, no progress bar either."""
    with caplog.at_level(logging.DEBUG):
        result = Validator().validate(ROWS, [AGE, SEX])
    said = capsys.readouterr()
    assert CANARY not in json.dumps([repr(result), caplog.text, said.out, said.err])
    assert said == ("", "")


def test_nothing_is_written(tmp_path, monkeypatch):
    """No project folder, no data docs."""
    monkeypatch.chdir(tmp_path)
    Validator().validate(ROWS, [AGE])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong",
    [
        check("expect_column_values_to_be_between", column="height", min_value=0),
        check("expect_column_values_to_be_between", column="sex", min_value=0),
        check("expect_column_values_to_match_regex", column="sex", pattern="f"),
        check("expect_people_to_be_kind", column="sex"),
    ],
)
def test_a_check_that_cannot_be_evaluated_is_a_contract_error(wrong):
    """Missing column, wrong type, wrong argument, unknown name; the message holds no value."""
    with pytest.raises(ContractError) as refused:
        Validator().validate(ROWS, [wrong])
    assert CANARY not in str(refused.value)
