"""Anonymisation methods, one file each, found by name.

A method is a module here with `apply(values, column, context) -> Applied`; a transform one with
`transform(rows, contract, context) -> Transformed`. A new file is a new name that contracts may use.
"""

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lakehouse.errors import ContractError

if TYPE_CHECKING:
    import pyarrow as pa

    from lakehouse.core.contract import Column, DatasetContract
    from lakehouse.methods.context import Applied, MethodContext, Transformed


def method_names() -> tuple[str, ...]:
    """Return the names that a column's handling may use."""
    return tuple(sorted(_functions("apply")))


def transform_names() -> tuple[str, ...]:
    """Return the names that a contract's `transform` may use."""
    return tuple(sorted(_functions("transform")))


def find_method(name: str) -> "Callable[[pa.Array, Column, MethodContext], Applied]":
    """Return the method of that name; an unknown one is a ContractError that lists what exists."""
    return _find("apply", name, "handling")


def find_transform(name: str) -> "Callable[[pa.Table, DatasetContract, MethodContext], Transformed]":
    """Return the transform of that name; an unknown one is a ContractError that lists what exists."""
    return _find("transform", name, "transform")


def apply_column(values: "pa.Array", column: "Column", context: "MethodContext") -> "Applied":
    """Apply a column's own handling, then hold the result against its type, range and null rule."""
    from lakehouse.methods.conforming import conform_values

    return conform_values(find_method(column.handling.method)(values, column, context), column)


def _find(function: str, name: str, key: str) -> Callable[..., Any]:
    functions = _functions(function)
    if name not in functions:
        raise ContractError("methods", key, f"there is no {name!r}", allowed=tuple(sorted(functions)))
    return functions[name]


@cache
def _functions(function: str) -> dict[str, Callable[..., Any]]:
    modules = {
        entry.name: import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)
    }
    return {name: getattr(module, function) for name, module in modules.items() if hasattr(module, function)}
