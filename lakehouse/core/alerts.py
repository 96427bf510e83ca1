"""What a site wants to be told of: thresholds of its site file, and which of them are passed.

[alerts]
quarantine_share = "0.25"      # of a data set's newest batch
budget_left_share = "0.1"      # of a cap
cosignature_hours = 24         # since when no head has what `[log]` demands
deadline_hours = 24            # how long a DAG's missed deadline is told
command = ["/usr/bin/mail", "-s", "LivingLab", "on-call"]   # gets the text of an alert on standard input
url = "https://alerts.example/hook"                         # gets a POST of JSON
[alerts.period_days]           # a new batch of a data set at least every so many days
gait_walks = 7
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from lakehouse.core.toml_section import Section

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """Thresholds: shares from 0 to 1, hours, and days by data set; a data set without days is never late.

    command, url: where alerts go when they begin and end; without either, to whoever asks for the status.
    """

    quarantine_share: Decimal = Decimal("0.25")
    budget_left_share: Decimal = Decimal("0.1")
    cosignature_hours: int = 24
    deadline_hours: int = 24
    period_days: Mapping[str, int] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    url: str | None = field(default=None, repr=False)

    @property
    def told_anywhere(self) -> bool:
        """Whether alerts go out at all."""
        return bool(self.command) or self.url is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing that is watched: which threshold, about what, whether it fires, what it says and what helps.

    `says` holds thresholds and names, never a count.
    """

    name: str
    about: str
    firing: bool
    says: str
    remedy: str

    def as_json(self) -> dict[str, object]:
        """Return the fields of `alerts[]` of `status`."""
        return {"alert": self.name, "about": self.about, "says": self.says, "remedy": self.remedy}


def parse_alerts(section: Section | None) -> AlertSettings:
    """Return the thresholds of `[alerts]`; ContractError names file and key."""
    if section is None:
        return AlertSettings()
    usual = AlertSettings()
    settings = AlertSettings(
        quarantine_share=_share(section, "quarantine_share", usual.quarantine_share),
        budget_left_share=_share(section, "budget_left_share", usual.budget_left_share),
        cosignature_hours=section.integer("cosignature_hours", usual.cosignature_hours, least=1),
        deadline_hours=section.integer("deadline_hours", usual.deadline_hours, least=1),
        period_days=_periods(section),
        command=_command(section),
        url=_url(section),
    )
    section.finish()
    return settings


def quarantine_alert(settings: AlertSettings, dataset: str, received: int, quarantined: int) -> Alert:
    """Watch a data set's newest batch: counts of its input rows."""
    return Alert(
        name="quarantine_share",
        about=dataset,
        firing=received > 0 and Decimal(quarantined) > settings.quarantine_share * received,
        says=f"{dataset}: more than {_percent(settings.quarantine_share)} of its newest batch was set aside",
        remedy=f"livinglab quarantine {dataset}",
    )


def late_alerts(settings: AlertSettings, newest: Mapping[str, datetime], now: datetime) -> Iterable[Alert]:
    """Watch the data sets that have a period; `newest`: when their last batch was taken in, none if never."""
    for dataset, days in settings.period_days.items():
        last = newest.get(dataset)
        yield Alert(
            name="late_data",
            about=dataset,
            firing=last is None or now - last > timedelta(days=days),
            says=f"{dataset} has had no new batch for more than {days} days",
            remedy=f"see what keeps its source, then livinglab land {dataset} PATH",
        )


def budget_alert(
    settings: AlertSettings, population: str, purpose: str, cap: Decimal, left: Decimal
) -> Alert:
    """Watch what is left of a cap."""
    return Alert(
        name="budget_nearly_spent",
        about=f"{population} {purpose}",
        firing=left < settings.budget_left_share * cap,
        says=f"less than {_percent(settings.budget_left_share)} of the budget of {population} "
        f"for {purpose} is left",
        remedy="livinglab budget",
    )


def cosignature_alert(settings: AlertSettings, since: datetime | None, now: datetime) -> Alert:
    """Watch the log's head; `since`: from when no head has what is demanded, None where the newest has."""
    return Alert(
        name="missed_cosignatures",
        about="log",
        firing=since is not None and now - since > timedelta(hours=settings.cosignature_hours),
        says=f"no head of the log has the cosignatures demanded since more than "
        f"{settings.cosignature_hours} hours",
        remedy="see that the witnesses run, then livinglab log cosign",
    )


def deadline_alerts(
    settings: AlertSettings, missed: Mapping[str, datetime], now: datetime
) -> Iterable[Alert]:
    """Watch the DAGs that ever missed a deadline; `missed`: when each did so last."""
    for dag, last in missed.items():
        yield Alert(
            name="missed_deadline",
            about=dag,
            firing=now - last <= timedelta(hours=settings.deadline_hours),
            says=f"a run of {dag} missed its deadline in the last {settings.deadline_hours} hours",
            remedy=f"see the runs of {dag} in the Airflow UI",
        )


def _periods(section: Section) -> Mapping[str, int]:
    inner = section.section("period_days")
    if inner is None:
        return {}
    return {name: inner.integer(name, least=1) for name in section.mapping("period_days")}


def _command(section: Section) -> tuple[str, ...]:
    """A program is named by its whole path: none is searched for, and no shell reads its arguments."""
    words = section.texts("command")
    if isinstance(section.take("command"), str):
        raise section.error("command", "must be a list: a program's whole path, then its arguments")
    if section.has("command") and (not words or not words[0].startswith("/")):
        raise section.error("command", "must begin with a program's whole path")
    if any("\0" in word for word in words):
        raise section.error("command", "must hold no NUL")
    return words


def _url(section: Section) -> str | None:
    """An address may hold a secret in its path or query, which is why it travels over TLS alone."""
    url = section.optional_text("url")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and (parts.port or 1) > 0 and not (parts.username or parts.password)
    except ValueError:
        sound = False
    if not sound or parts.fragment or not url.isascii() or not url.isprintable():
        raise section.error("url", "is not an address without user and password")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK_NAMES):
        raise section.error("url", "must begin with https, or lie on this machine")
    return url


def _share(section: Section, key: str, usual: Decimal) -> Decimal:
    value = section.decimal(key)
    if value is not None and not 0 <= value <= 1:
        raise section.error(key, "must be a number from 0 to 1")
    return usual if value is None else value


def _percent(share: Decimal) -> str:
    return f"{(share * 100).normalize():f} %"
