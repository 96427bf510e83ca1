"""Anchors, one file a backend, found by name: places outside the site that saw what its log said.

A backend is a module here with `places(settings) -> names` and `anchor(settings, place, head) -> Anchored`.
A new file is a new name for `livinglab log anchor`.
"""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from lakehouse.errors import ContractError

if TYPE_CHECKING:
    from lakehouse.adapters.log_settings import LogSettings
    from lakehouse.core.anchor import Anchored, SignedHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A backend: which places of its kind a site file names, and how one of them is asked.

    `anchor` raises Unavailable (it cannot be reached), NotVerified (its answer does not hold) or Damaged
    (it has seen a head that contradicts this one).
    """

    name: str
    places: "Callable[[LogSettings], tuple[str, ...]]"
    anchor: "Callable[[LogSettings, str, SignedHead], Anchored]"


def anchor_names() -> tuple[str, ...]:
    """Return the names of the backends."""
    return tuple(sorted(_backends()))


def find_anchor(name: str) -> Anchor:
    """Return the backend of that name; an unknown one is a ContractError that lists what exists."""
    backends = _backends()
    if name not in backends:
        raise ContractError("anchors", "anchor", f"there is no {name!r}", allowed=anchor_names())
    return backends[name]


@cache
def _backends() -> dict[str, Anchor]:
    modules = {
        entry.name: import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)
    }
    return {
        name: Anchor(name=name, places=module.places, anchor=module.anchor)
        for name, module in modules.items()
        if hasattr(module, "places") and hasattr(module, "anchor")
    }
