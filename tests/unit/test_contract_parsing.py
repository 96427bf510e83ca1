from decimal import Decimal

import pytest
from contract_samples import EXPECTATIONS, TIDY, people, people_contract

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.core.check_names import CHECK_NAMES
from lakehouse.core.contract import Layer, Sensitivity
from lakehouse.core.contract_parsing import KnownNames, build_contracts, check_names, parse_contract
from lakehouse.errors import ContractError


def test_a_contract_becomes_typed_objects():
    contract = people_contract()
    column = contract.column("person_id")
    assert contract.table == "bronze.people"
    assert column is not None and column.source == "id" and column.sealed
    assert column.sensitivity is Sensitivity.DIRECT


MISTAKES = [
    ({"layer": "brass"}, "layer", "bronze"),
    ({"revison": 1}, "revison", "revision"),
    ({"title": None}, "title", ""),
    ({"revision": 0}, "revision", ""),
    ({"revision": True}, "revision", ""),
    ({"name": "People!"}, "name", ""),
    ({"folder": None}, "folder", ""),
    ({"keys": ["ago"]}, "keys", "age"),
    ({"subject": {"column": "ident", "system": "clinic"}}, "subject.column", "person_id"),
    ({"subject": {"column": "person_id"}}, "subject.system", "system_column"),
    ({"retention_days": "long"}, "retention_days", ""),
    ({"column": [{"name": "age", "type": "int", "sensitivity": "quasi"}]}, "column[age].type", "integer"),
    ({"column": [{"name": "age", "type": "integer"}]}, "column[age].sensitivity", ""),
    (
        {"column": [{"name": "age", "type": "integer", "sensitivity": "quasi", "min": 1}]},
        "column[age].min",
        "minimum",
    ),
    (
        {"column": [{"name": "a", "type": "text", "sensitivity": "quasi", "handling": "redact"}]},
        "column[a].handling",
        "seal",
    ),
    (
        {"column": [{"name": "a", "type": "text", "sensitivity": "quasi", "minimum": 1}]},
        "column[a].minimum",
        "number",
    ),
    (
        {"column": [{"name": "a", "type": "number", "sensitivity": "quasi", "bounds": [2, 1]}]},
        "column[a].bounds",
        "",
    ),
    (
        {"column": [{"name": "a", "type": "text", "sensitivity": "quasi", "id_pattern": "("}]},
        "column[a].id_pattern",
        "",
    ),
    ({"column": [{"name": "a", "type": "text", "sensitivity": "plain"}] * 2}, "column[a]", ""),
    ({"check": [{"expect": "expect_the_best"}]}, "check[1].expect", "expect_column_values_to_be_between"),
    (
        {"check": [{"expect": "expect_column_values_to_not_be_null", "column": "ago"}]},
        "check[1].column",
        "age",
    ),
]


@pytest.mark.parametrize(("changes", "key", "allowed"), MISTAKES, ids=[key for _, key, _ in MISTAKES])
def test_a_mistake_is_refused_with_file_key_and_what_is_allowed(changes, key, allowed):
    changed = people(subject=None, **changes) if "column" in changes else people(**changes)
    with pytest.raises(ContractError) as caught:
        parse_contract(changed, "bronze/people.toml")
    assert caught.value.facts["file"] == "bronze/people.toml"
    assert caught.value.facts["key"] == key
    assert not allowed or allowed in caught.value.facts["allowed"]


def test_bounds_are_exact():
    columns = [{"name": "x", "type": "number", "sensitivity": "sensor", "bounds": [0.1, "2.30"]}]
    contract = people_contract(subject=None, column=columns)
    assert contract.columns[0].bounds == (Decimal("0.1"), Decimal("2.30"))


def test_silver_inherits_population_purposes_and_retention():
    parsed = [people_contract(), parse_contract(TIDY, "silver/people.toml")]
    silver = build_contracts(parsed).find("silver.people")
    assert silver is not None
    assert (silver.population, silver.purposes, silver.retention_days) == ("clinic", ("research",), 10)


def test_an_input_without_contract_is_refused():
    with pytest.raises(ContractError, match=r"bronze\.people has no contract"):
        build_contracts([parse_contract(TIDY, "silver/people.toml")])


def test_the_digest_changes_with_meaning_and_sql_and_not_with_layout():
    digest = people_contract().digest
    assert parse_contract(dict(reversed(people().items())), "elsewhere.toml").digest == digest
    assert people_contract(revision=2).digest != digest
    assert parse_contract(people(), "x", sql="SELECT 1").digest != digest


KNOWN = KnownNames(formats=("csv",), methods=("keep",), transforms=("rows",))


@pytest.mark.parametrize(
    ("bronze", "silver", "problem"),
    [
        ({"format": "xls"}, {}, "format: 'xls' is not known"),
        ({}, {"transform": "turns"}, "transform: 'turns' is not known"),
        (
            {},
            {"column": [{"name": "age", "type": "text", "sensitivity": "plain", "handling": "blur"}]},
            r"column\[age\].handling: 'blur' is not known",
        ),
    ],
)
def test_unknown_readers_transforms_and_methods_are_refused(bronze, silver, problem):
    contracts = build_contracts(
        [people_contract(**bronze), parse_contract({**TIDY, **silver}, "silver/people.toml")]
    )
    with pytest.raises(ContractError, match=problem) as caught:
        check_names(contracts, KNOWN)
    assert caught.value.facts["allowed"]


def test_gold_hands_its_release_section_on_and_needs_its_sql(tmp_path):
    (tmp_path / "gold").mkdir()
    text = 'layer="gold"\nname="x"\ntitle="X"\nrevision=1\nreads=["silver.people"]\n[release]\nanything=[1]\n'
    (tmp_path / "gold" / "x.toml").write_text(text)
    with pytest.raises(ContractError, match=r"x\.sql is missing"):
        load_contracts(tmp_path)
    import tomllib

    gold = parse_contract(tomllib.loads(text), "gold/x.toml", sql="SELECT 1")
    assert gold.release == {"anything": [1]}


@pytest.mark.parametrize("text", ["layer = ", "\x00", 'name = "x"\nname = "y"'])
def test_a_file_that_is_not_toml_is_named(tmp_path, text):
    (tmp_path / "bronze").mkdir()
    (tmp_path / "bronze" / "x.toml").write_text(text)
    with pytest.raises(ContractError, match=r"bronze/x\.toml"):
        load_contracts(tmp_path)


def test_a_file_stands_where_its_layer_and_name_say(tmp_path):
    (tmp_path / "silver").mkdir()
    (tmp_path / "silver" / "x.toml").write_text('layer = "bronze"\nname = "x"\n')
    with pytest.raises(ContractError, match="layer"):
        load_contracts(tmp_path)


def test_the_project_s_own_contracts_load():
    contracts = load_contracts(EXPECTATIONS)
    names = [contract.name for contract in contracts.of_layer(Layer.BRONZE)]
    assert names == ["clinic_notes", "consents", "ehr", "gait_people", "gait_walks"]


def test_check_names_are_those_of_great_expectations():
    """Whatever has a check by name here has it there; queries and other tables are left out."""
    import great_expectations.expectations  # noqa: F401
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    registered = set(list_registered_expectation_implementations())
    left_out = {name for name in registered if "query" in name or "other_table" in name}
    assert set(CHECK_NAMES) == {name for name in registered - left_out if name.startswith("expect_")}
