"""The parameters of a column's handling, with the contract's file and key in every complaint."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from lakehouse.core.contract import Column
from lakehouse.errors import ContractError


class Parameters:
    """Typed reading of `handling = { method = ..., ... }`; a wrong one is a ContractError."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._given = column.handling.parameters

    def get(self, name: str, default: object = None) -> Any:
        """Return a parameter as it stands."""
        return self._given.get(name, default)

    def mapping(self, name: str) -> Mapping[str, Any]:
        """Return a table of the contract."""
        value = self._given.get(name)
        if not isinstance(value, Mapping) or not value:
            raise self.error(name, "must be a table with at least one entry")
        return value

    def text(self, name: str) -> str:
        """Return a text."""
        value = self._given.get(name)
        if not isinstance(value, str):
            raise self.error(name, "must be a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts; absent is empty."""
        value = self._given.get(name, [])
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise self.error(name, "must be a list of texts")
        return tuple(value)

    def whole(self, name: str) -> int:
        """Return a whole number above zero."""
        value = self._given.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self.error(name, "must be a whole number above 0")
        return value

    def day(self, name: str) -> date:
        """Return a calendar date, written as TOML's date or as text."""
        value = self._given.get(name)
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            raise self.error(name, "must be a date like 2026-01-01") from None

    def error(self, name: str, problem: str) -> ContractError:
        """Return the complaint about one parameter."""
        return ContractError("silver contract", f"column[{self._column.name}].handling.{name}", problem)
