"""What people see of a site's models: signed cards beside the registry's state."""

from lakehouse.adapters.sql_registry import Row
from lakehouse.errors import NotVerified
from lakehouse.pipeline.model_registry import latest_row, model_rows, open_row
from lakehouse.pipeline.site import Site

LISTED = ("auc", "auc_interval", "baseline_auc", "data_leaf", "trained_at")


def list_cards(site: Site) -> list[dict[str, object]]:
    """Return every model ever trained, oldest first; figures are null where its files do not hold."""
    site.actor.require("models")
    return [_listed(site, row) for row in model_rows(site)]


def show_card(site: Site, name: str) -> dict[str, object]:
    """Return the whole card of the newest model. NotVerified: its signature or a digest does not hold."""
    site.actor.require("models")
    row = latest_row(site, name)
    return {**open_row(site, row).card, **_place(row)}


def _listed(site: Site, row: Row) -> dict[str, object]:
    try:
        card = open_row(site, row).card
    except NotVerified:
        return {**_place(row), **dict.fromkeys(LISTED), "verified": False}
    return {**_place(row), **{name: card[name] for name in LISTED}, "verified": True}


def _place(row: Row) -> dict[str, object]:
    return {"name": row["name"], "digest": row["digest"], "state": row["state"], "leaf": row["leaf_index"]}
