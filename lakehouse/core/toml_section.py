"""Typed access to one table of a TOML file: every mistake becomes one ContractError.

Each accessor takes its key out of the section, so that `finish` can refuse what nobody read.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation

from lakehouse.errors import ContractError


class Section:
    """One TOML table, read key by key.

    `place` is how people find it in the file: `column[height]`, `purpose.research`; empty for the
    top of the file. Errors name file, place and key, never a value.
    """

    def __init__(self, data: object, *, file: str, place: str = "") -> None:
        self.file = file
        self.place = place
        if not isinstance(data, Mapping):
            raise self.error("", "must be a table")
        self._data = dict(data)
        self._read: list[str] = []

    def error(self, key: str, problem: str, allowed: Iterable[str] = ()) -> ContractError:
        """Return the error that names `key` of this section."""
        path = ".".join(part for part in (self.place, key) if part)
        return ContractError(self.file, path or "(top)", problem, allowed=tuple(allowed))

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def take(self, key: str) -> object:
        """Return the raw value, or None where the key is absent."""
        self._read.append(key)
        return self._data.get(key)

    def required(self, key: str) -> None:
        """Refuse a section without `key`."""
        if key not in self._data:
            raise self.error(key, "is missing")

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; without `default` the key is required."""
        value = self.optional_text(key)
        if value is not None:
            return value
        if default is None:
            raise self.error(key, "is missing")
        return default

    def optional_text(self, key: str) -> str | None:
        """Return a text, or None where the key is absent."""
        value = self.take(key)
        if value is not None and not isinstance(value, str):
            raise self.error(key, "must be a text")
        return value

    def pattern(self, key: str) -> str | None:
        """Return a regular expression, or None where the key is absent."""
        pattern = self.optional_text(key)
        try:
            re.compile(pattern or "")
        except re.error as problem:
            raise self.error(key, "is not a regular expression") from problem
        return pattern

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """Return one of `allowed`."""
        value = self.text(key, default)
        if value not in allowed:
            raise self.error(key, f"{value!r} is not known", sorted(allowed))
        return value

    def flag(self, key: str, default: bool) -> bool:
        """Return a boolean."""
        value = self.take(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def integer(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """Return an integer of at least `least`; without `default` the key is required."""
        value = self.take(key)
        if value is None:
            value = default
        if value is None:
            raise self.error(key, "is missing")
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.error(key, f"must be an integer of at least {least}")
        return value

    def number(self, key: str) -> float | None:
        """Return a finite number, or None where the key is absent."""
        value = self.decimal(key)
        return None if value is None else float(value)

    def decimal(self, key: str) -> Decimal | None:
        """Return an exact finite number from a number or a text of one, or None."""
        value = self.take(key)
        return None if value is None else self._exact(key, value)

    def decimals(self, key: str) -> tuple[Decimal, ...]:
        """Return a list of exact finite numbers, empty where the key is absent."""
        return tuple(self._exact(key, value) for value in self._items(key))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where the key is absent; one text stands for a list of one."""
        items = self._items(key)
        if not all(isinstance(item, str) for item in items):
            raise self.error(key, "must be a list of texts")
        return tuple(str(item) for item in items)

    def labels(self, key: str) -> tuple[str, ...]:
        """Return a list of texts or integers, as texts."""
        items = self._items(key)
        if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in items):
            raise self.error(key, "must be a list of texts or integers")
        return tuple(str(item) for item in items)

    def mapping(self, key: str) -> Mapping[str, object]:
        """Return a table as it is, empty where the key is absent."""
        value = self.take(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise self.error(key, "must be a table")
        return dict(value)

    def section(self, key: str) -> "Section | None":
        """Return a table as a section, or None where the key is absent."""
        value = self.take(key)
        return None if value is None else self._inner(value, key)

    def sections(self, key: str) -> tuple["Section", ...]:
        """Return a list of tables (`[[key]]`) as sections."""
        value = self.take(key)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise self.error(key, f"must be written as [[{key}]]")
        return tuple(
            self._inner(item, f"{key}[{_label(item, number)}]") for number, item in enumerate(value, 1)
        )

    def named_sections(self, key: str) -> Mapping[str, "Section"]:
        """Return the tables `[key.<name>]` by name."""
        tables = self.mapping(key)
        return {name: self._inner(table, f"{key}.{name}") for name, table in tables.items()}

    def rest(self) -> Mapping[str, object]:
        """Take every key not read so far."""
        left = {key: value for key, value in self._data.items() if key not in self._read}
        self._read.extend(left)
        return left

    def finish(self) -> None:
        """Refuse keys that nobody has read."""
        for key in self._data:
            if key not in self._read:
                raise self.error(key, "is not known", sorted(set(self._read)))

    def _inner(self, data: object, key: str) -> "Section":
        place = ".".join(part for part in (self.place, key) if part)
        return Section(data, file=self.file, place=place)

    def _items(self, key: str) -> tuple[object, ...]:
        value = self.take(key)
        if value is None:
            return ()
        if isinstance(value, list):
            return tuple(value)
        if isinstance(value, str):
            return (value,)
        raise self.error(key, "must be a list")

    def _exact(self, key: str, value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.error(key, "must be a number")
        try:
            number = Decimal(str(value))
        except InvalidOperation as problem:
            raise self.error(key, "must be a number") from problem
        if not number.is_finite():
            raise self.error(key, "must be finite")
        return number


def _label(item: object, number: int) -> str:
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) else str(number)
