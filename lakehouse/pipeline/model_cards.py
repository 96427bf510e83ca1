"""What people see of a site's models: signed cards beside the registry's state."""

from collections.abc import Mapping
from typing import Any

from lakehouse.adapters.sql_registry import Row
from lakehouse.errors import NotVerified
from lakehouse.pipeline.lapsed_consents import training_lapsed
from lakehouse.pipeline.model_registry import ACTIVE, latest_row, model_rows, open_row
from lakehouse.pipeline.site import Site

LISTED = ("auc", "auc_interval", "baseline_auc", "data_leaf", "trained_at")


def list_cards(site: Site) -> list[dict[str, object]]:
    """Return every model ever trained, oldest first; figures are null where its files do not hold.

    consents_hold: whether everyone it learnt from still permits its purpose, so that it answers; null where
    it is not in use.
    """
    site.actor.require("models")
    return [_listed(site, row) for row in model_rows(site)]


def show_card(site: Site, name: str) -> dict[str, object]:
    """Return the whole card of the newest model. NotVerified: its signature or a digest does not hold."""
    site.actor.require("models")
    row = latest_row(site, name)
    card = open_row(site, row).card
    return {**card, **_place(row), "consents_hold": _consents_hold(site, row, card)}


def _listed(site: Site, row: Row) -> dict[str, object]:
    try:
        card = open_row(site, row).card
    except NotVerified:
        return {**_place(row), **dict.fromkeys((*LISTED, "consents_hold")), "verified": False}
    figures = {name: card[name] for name in LISTED}
    return {**_place(row), **figures, "consents_hold": _consents_hold(site, row, card), "verified": True}


def _consents_hold(site: Site, row: Row, card: Mapping[str, Any]) -> bool | None:
    if row["state"] != ACTIVE:
        return None
    return not training_lapsed(site, row["digest"], str(card["purpose"]))


def _place(row: Row) -> dict[str, object]:
    return {"name": row["name"], "digest": row["digest"], "state": row["state"], "leaf": row["leaf_index"]}
