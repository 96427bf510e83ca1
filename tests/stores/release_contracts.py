"""Contracts of a small population with one product of each kind."""

from lakehouse.core.contract import Contracts
from lakehouse.core.contract_parsing import parse_contract

SILVER = {
    "layer": "silver",
    "name": "people",
    "source": "bronze.people",
    "title": "T",
    "revision": 1,
    "population": "gait",
    "purposes": ["research"],
    "keys": ["subject"],
    "public_minimum_people": 5,
    "maximum_rows_per_person": 1,
    "column": [
        {"name": "group", "type": "text", "sensitivity": "sensitive", "groups": ["case", "control"]},
        {
            "name": "speed",
            "type": "number",
            "sensitivity": "sensor",
            "statistic": "private",
            "bounds": [0, 2],
        },
    ],
}
GOLD = {"layer": "gold", "title": "T", "revision": 1, "reads": ["silver.people"]}
PEOPLE_RELEASE = {
    "kind": "people",
    "quasi_identifier": [
        {"column": "age", "released_as": "age_band", "bands": [10, 20], "domain": [0, 100], "top": 90}
    ],
    "sensitive": [{"column": "group", "measure": "categorical"}],
}
COUNT_RELEASE = {
    "kind": "prevalence",
    "cells": ["condition", "age_band"],
    "quasi_identifier": [
        {"column": "age", "released_as": "age_band", "bands": [20, 40], "domain": [0, 100], "top": 90}
    ],
    "tightenings": 1,
}
COHORT_RELEASE = {
    "kind": "cohorts",
    "cells": ["group"],
    "small_cells": "leave_out",
    "private": [
        {"column": "mean_speed", "statistic": "mean", "of": "speed", "on": "silver.people", "epsilon": "2.0"}
    ],
}


def column(name: str, kind: str = "text") -> dict[str, object]:
    return {"name": name, "type": kind, "sensitivity": "plain"}


CONTRACTS = Contracts(
    by_table={
        found.table: found
        for found in (
            parse_contract(SILVER, "silver/people.toml"),
            parse_contract(
                {
                    **GOLD,
                    "name": "cohorts",
                    "purposes": ["research"],
                    "release": COHORT_RELEASE,
                    "column": [
                        column("group"),
                        *(
                            column(name, "number")
                            for name in ("people", "mean_speed", "mean_speed_accuracy95")
                        ),
                    ],
                    "check": [
                        {"expect": "expect_column_values_to_be_between", "column": "people", "max_value": 20}
                    ],
                },
                "gold/cohorts.toml",
                "SELECT subject, `group` FROM people",
            ),
            parse_contract(
                {
                    **GOLD,
                    "name": "people_open",
                    "purposes": ["research"],
                    "release": PEOPLE_RELEASE,
                    "column": [column("age_band"), column("group"), column("note")],
                },
                "gold/people_open.toml",
                "SELECT subject, age, `group`, note FROM people",
            ),
            parse_contract(
                {
                    **GOLD,
                    "name": "people_boxed",
                    "purposes": ["research"],
                    "release": {**PEOPLE_RELEASE, "recoding": "local"},
                    "column": [column("age_band"), column("group"), column("note")],
                },
                "gold/people_boxed.toml",
                "SELECT subject, age, `group`, note FROM people",
            ),
            parse_contract(
                {
                    **GOLD,
                    "name": "conditions",
                    "purposes": ["research"],
                    "release": COUNT_RELEASE,
                    "column": [
                        column("condition"),
                        column("age_band"),
                        *(column(name, "integer") for name in ("people", "population", "prevalence_percent")),
                    ],
                },
                "gold/conditions.toml",
                "SELECT subject, age, `group` AS condition FROM people",
            ),
        )
    }
)
