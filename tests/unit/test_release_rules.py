import copy
from decimal import Decimal
from typing import Any

import pytest

from lakehouse.core.contract import Contracts
from lakehouse.core.contract_parsing import parse_contract
from lakehouse.core.hierarchies import Bands
from lakehouse.core.policy import ReleaseFloor
from lakehouse.core.release_rules import (
    ReleaseKind,
    ReleaseRules,
    check_exact_or_private,
    parse_release_rules,
)
from lakehouse.errors import ContractError

FLOOR = ReleaseFloor(k=5, l=2, t=Decimal("0.5"), minimum_cell=5, round_to=5, suppression=Decimal("0.05"))
PEOPLE: dict[str, Any] = {
    "layer": "gold",
    "name": "open",
    "title": "Open",
    "revision": 1,
    "reads": ["silver.walks"],
    "purposes": ["research"],
    "release": {
        "kind": "people",
        "quasi_identifier": [
            {"column": "age", "released_as": "age_band", "bands": [5, 10], "domain": [0, 100], "top": 90}
        ],
        "sensitive": [{"column": "group", "measure": "categorical"}],
    },
    "column": [
        {"name": "age_band", "type": "text", "sensitivity": "quasi"},
        {"name": "group", "type": "text", "sensitivity": "sensitive"},
    ],
}


def rules(**changed: object) -> ReleaseRules:
    data = copy.deepcopy(PEOPLE)
    data["release"].update(changed)
    return parse_release_rules(parse_contract(data, "gold/open.toml", "SELECT 1"), FLOOR)


def test_what_a_contract_leaves_out_is_the_floor() -> None:
    found = rules()
    assert found.kind is ReleaseKind.PEOPLE
    assert (found.targets.k, found.targets.l, found.minimum_cell) == (5, 2, 5)
    assert found.released_quasi == ("age_band",)
    assert isinstance(found.quasi_identifiers[0].hierarchy, Bands)


def test_a_contract_may_ask_for_more() -> None:
    assert rules(k=10).targets.k == 10


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"k": 4}, "release.k"),
        ({"t": 0.6}, "release.t"),
        ({"suppression": 0.1}, "release.suppression"),
        ({"kind": "persons"}, "release.kind"),
        ({"sensitive": []}, "release.kind"),
        ({"sensitive": [{"column": "groups", "measure": "categorical"}]}, "release.sensitive"),
        ({"sensitive": [{"column": "group", "measure": "nominal"}]}, "release.sensitive[1].measure"),
        ({"quasi_identifier": [{"column": "age", "bands": [10, 5], "domain": [0, 9]}]}, "bands"),
        ({"quasi_identifier": [{"column": "age", "bands": [5], "domain": [9]}]}, "domain"),
        ({"quasi_identifier": [{"column": "age", "bands": [5], "domain": [-9, 9]}]}, "domain"),
        ({"quasi_identifier": [{"column": "age"}]}, "bands"),
        ({"cells": ["group"]}, "release.kind"),
        ({"weight": "walks"}, "release.dominance"),
        ({"purpose": "commercial"}, "release.purpose"),
        ({"tightening": 1}, "release.tightening"),
    ],
)
def test_a_mistake_is_refused_with_file_and_key(changed: dict[str, object], key: str) -> None:
    with pytest.raises(ContractError) as refused:
        rules(**changed)
    assert refused.value.facts["file"] == "gold/open.toml"
    assert key in str(refused.value.facts["key"])


def silver(statistic: str) -> dict[str, Any]:
    column = {"name": "group", "type": "text", "sensitivity": "sensor", "statistic": statistic}
    return {
        "layer": "silver",
        "name": "walks",
        "title": "Walks",
        "revision": 1,
        "source": "bronze.walks",
        "column": [column],
    }


def test_a_column_is_exact_or_private_never_both() -> None:
    gold = parse_contract(copy.deepcopy(PEOPLE), "gold/open.toml", "SELECT 1")
    for statistic in ("exact", "private"):
        table = parse_contract(silver(statistic), "silver/walks.toml")
        contracts = Contracts(by_table={found.table: found for found in (gold, table)})
        if statistic == "exact":
            check_exact_or_private(contracts)
        else:
            with pytest.raises(ContractError, match="answered with noise"):
                check_exact_or_private(contracts)
