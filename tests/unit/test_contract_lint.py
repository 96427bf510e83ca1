"""Each rule of the lint, and the broken contracts that it must find."""

from copy import deepcopy

import pytest
from contract_samples import EXPECTATIONS, POLICY, TIDY, people

from lakehouse.adapters.contract_files import load_contracts
from lakehouse.core.contract import Contracts
from lakehouse.core.contract_lint import lint_contracts
from lakehouse.core.contract_parsing import parse_contract


def faults_of(*files):
    """Lint these TOML contents together; inheritance is left out so that every fault can show."""
    parsed = [
        parse_contract({"retention_days": 1, **data}, f"{data['layer']}/{data['name']}.toml")
        for data in files
    ]
    contracts = Contracts(by_table={contract.table: contract for contract in parsed})
    return {
        (str(fault.facts["file"]), str(fault.facts["key"])) for fault in lint_contracts(contracts, POLICY)
    }


def tidy(**changes):
    own = {"population": "clinic", "purposes": ["research"]}
    return {**deepcopy(TIDY), **own, **changes}


def column(name, **rest):
    return {"name": name, "type": "text", "sensitivity": "plain", **rest}


def test_the_project_s_own_contracts_have_no_fault():
    assert lint_contracts(load_contracts(EXPECTATIONS), POLICY) == []


def test_a_sound_pair_has_no_fault():
    assert faults_of(people(), tidy()) == set()


PERSON = people()["column"][0]
BRONZE_FAULTS = {
    "a name in the clear": (
        {"column": [PERSON, column("name", sensitivity="direct")]},
        "column[name].handling",
    ),
    "free text in the clear": (
        {"column": [PERSON, column("remark", sensitivity="free_text")]},
        "column[remark].handling",
    ),
    "a subject who is not pseudonymised": (
        {"column": [{**PERSON, "handling": "seal"}]},
        "column[person_id].handling",
    ),
    "two pseudonyms in a row": (
        {"column": [PERSON, column("doctor", handling="pseudonymise")]},
        "column[doctor].handling",
    ),
    "an identifier of any form": (
        {"column": [{key: value for key, value in PERSON.items() if key != "id_pattern"}]},
        "column[person_id].id_pattern",
    ),
    "an unknown purpose": ({"purposes": ["marketing"]}, "purposes"),
    "kept longer than the policy allows": ({"retention_days": 99999}, "retention_days"),
}


@pytest.mark.parametrize(("changes", "key"), BRONZE_FAULTS.values(), ids=list(BRONZE_FAULTS))
def test_faults_of_bronze(changes, key):
    assert ("bronze/people.toml", key) in faults_of(people(**changes))


PRIVATE = {"type": "number", "statistic": "private", "sensitivity": "sensor", "from": "weight"}
SILVER_FAULTS = {
    "an input without contract": ({"reads": ["bronze.nobody"]}, "reads"),
    "silver made from gold": ({"reads": ["gold.x"]}, "reads"),
    "a circle": ({"reads": ["silver.people"]}, "reads"),
    "another population than its source": ({"population": "gait"}, "population"),
    "an identifier renamed and kept": (
        {"column": [column("nick", **{"from": "person_id"})]},
        "column[nick].handling",
    ),
    "free text kept": ({"column": [column("age", sensitivity="free_text")]}, "column[age].handling"),
    "a column that is not in the source": ({"column": [column("height")]}, "column[height].from"),
    "a join of a column that is not there": (
        {"join": [{"table": "bronze.people", "columns": ["height"]}]},
        "join.columns",
    ),
    "a private statistic without bounds": ({"column": [column("w", **PRIVATE)]}, "column[w].bounds"),
    "a private statistic without a public minimum": (
        {"column": [column("w", **PRIVATE, bounds=[0, 1])], "maximum_rows_per_person": 1},
        "public_minimum_people",
    ),
    "a private statistic without a limit of rows": (
        {"column": [column("w", **PRIVATE, bounds=[0, 1])], "public_minimum_people": 1},
        "maximum_rows_per_person",
    ),
    "a private statistic without a budget": (
        {"column": [column("w", **PRIVATE, bounds=[0, 1])], "population": "clinic"},
        "population",
    ),
}


@pytest.mark.parametrize(("changes", "key"), SILVER_FAULTS.values(), ids=list(SILVER_FAULTS))
def test_faults_of_silver(changes, key):
    assert ("silver/people.toml", key) in faults_of(people(), tidy(**changes))


def test_tables_of_one_id_system_share_their_population():
    walks = people(name="walks", population="gait")
    assert ("bronze/people.toml", "population") in faults_of(people(), walks)


def test_a_linked_identifier_joins_two_populations():
    other = {"column": "person_id", "system": "gaitpdb"}
    link = [{"system": "urn:x", "id_system": "clinic"}]
    assert faults_of(people(), people(name="walks", population="gait", subject=other)) == set()
    linked = people(name="walks", population="gait", subject=other, linked_identifier=link)
    assert ("bronze/walks.toml", "population") in faults_of(people(), linked)


GOLD = {
    "layer": "gold",
    "name": "cohorts",
    "title": "Cohorts",
    "revision": 1,
    "population": "clinic",
    "purposes": ["research"],
    "reads": ["silver.people"],
}


def test_gold_neither_reads_bronze_nor_releases_names():
    gold = {**GOLD, "reads": ["bronze.people"], "column": [column("name", sensitivity="direct")]}
    found = faults_of(people(), gold)
    assert ("gold/cohorts.toml", "reads") in found
    assert ("gold/cohorts.toml", "column[name].sensitivity") in found


def test_a_column_is_not_released_exactly_and_answered_with_noise():
    private = column("weight", **{**PRIVATE, "from": "weight"}, bounds=[0, 300])
    silver = tidy(population="gait", column=[private], public_minimum_people=10, maximum_rows_per_person=1)
    gold = {
        **GOLD,
        "population": "gait",
        "column": [column("weight"), column("n")],
        "release": {"kind": "cohorts", "cells": ["n"]},
    }
    found = faults_of(people(population="gait"), silver, gold)
    assert ("gold/cohorts.toml", "column[weight]") in found


def test_a_release_below_the_policy_s_floor_is_a_fault():
    gold = {**GOLD, "column": [column("n")], "release": {"kind": "cohorts", "cells": ["n"], "k": 2}}
    assert ("gold/cohorts.toml", "release.k") in faults_of(people(), tidy(), gold)
