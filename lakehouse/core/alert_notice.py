"""What a receiver is told of an alert: that it began, or that it has ended. Never a value of a person.

As JSON (livinglab/alert/v1), and as text whose first line can be the subject of a mail.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from lakehouse.core.alerts import Alert

SCHEMA = "livinglab/alert/v1"
State = Literal["began", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class AlertKey:
    """Which alert: the threshold, and what it is about."""

    name: str
    about: str

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """Return the key of an alert."""
        return cls(name=alert.name, about=alert.about)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotice:
    """One thing to tell. site: its name; origin: the log's; time: RFC 3339, when this was noticed."""

    state: State
    key: AlertKey
    says: str
    remedy: str
    site: str
    origin: str
    time: str

    def as_json(self) -> Mapping[str, str]:
        """Return the fields of a POST."""
        return {
            "schema": SCHEMA,
            "state": self.state,
            "alert": self.key.name,
            "about": self.key.about,
            "says": self.says,
            "remedy": self.remedy,
            "site": self.site,
            "origin": self.origin,
            "time": self.time,
        }

    def as_text(self) -> str:
        """Return lines for people; the first one says what happened and where."""
        lines = [
            f"LivingLab {self.site}: {self.key.name} {self.key.about} {self.state}",
            "",
            self.says,
            *([f"What helps: {self.remedy}"] if self.remedy else []),
            f"{self.time} {self.origin}",
        ]
        return "".join(f"{line}\n" for line in lines)


def untold(told: Collection[AlertKey], firing: Iterable[Alert]) -> tuple[Sequence[Alert], Sequence[AlertKey]]:
    """Return the alerts that fire and were not told, and the keys that were told and fire no longer."""
    now = {AlertKey.of(alert): alert for alert in firing}
    return [alert for key, alert in now.items() if key not in told], sorted(set(told) - now.keys())


def parse_told(document: str) -> dict[str, dict[AlertKey, str]]:
    """Return what each destination (a digest) was told of: key -> since when. ValueError: it is none."""
    parsed = json.loads(document)
    if not isinstance(parsed, dict):
        raise ValueError("not an object")
    found: dict[str, dict[AlertKey, str]] = {}
    for target, listed in parsed.items():
        rows = [(row["alert"], row["about"], row["since"]) for row in listed]
        if not all(isinstance(value, str) for row in rows for value in row):
            raise ValueError("not texts")
        found[target] = {AlertKey(name=name, about=about): since for name, about, since in rows}
    return found


def render_told(told: Mapping[str, Mapping[AlertKey, str]]) -> str:
    """Return the document that `parse_told` reads."""
    rows = {
        target: [{"alert": key.name, "about": key.about, "since": since} for key, since in own.items()]
        for target, own in told.items()
    }
    return json.dumps(rows, indent=1)
