"""status: how the site stands, what it lacks and how to get that. Works before there is a home."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.adapters.fhe_client import ModelsEnvironment
from lakehouse.adapters.java import check_java
from lakehouse.adapters.language_models import package_of
from lakehouse.adapters.site_file import SiteSettings
from lakehouse.adapters.spark_jars import FETCH, default_folder, pinned_digests
from lakehouse.adapters.sql_registry import Row
from lakehouse.core.release import ReleaseState
from lakehouse.errors import LivingLabError, NotReady
from lakehouse.pipeline.alert_delivery import waiting_notices
from lakehouse.pipeline.alerts import firing_alerts
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.catalogue import list_tables
from lakehouse.pipeline.cosign import REMEDY, Cosigning, read_cosigning
from lakehouse.pipeline.intents import OPEN
from lakehouse.pipeline.left_behind import tell_left_behind
from lakehouse.pipeline.lineage_outbox import waiting_lineage
from lakehouse.pipeline.lineage_refused import refused_lineage
from lakehouse.pipeline.outside_heads import newer_copy_outside
from lakehouse.pipeline.site import Site
from lakehouse.version import code_version

RUNS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Something the site computes with: whether it is there, and its version or what is wrong."""

    name: str
    ready: bool
    says: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteStatus:
    """How a site stands. Of a home that is not initialised only home, engines and what is missing.

    stores: what keeps registry and vault {kind, place}; tables: those of `livinglab tables`; runs: newest
    first {run, time, tables}; waiting: releases that wait for a decision; cosigned: who stands behind the
    head (`log cosign`), null without witnesses; missing: {what, remedy}; alerts: the thresholds of the site
    file that are passed; alerts_untold: how many beginnings and ends no receiver has taken, null without one;
    lineage: {waiting, refused}, null where the site file names no place for it.
    """

    home: str
    site: str
    initialised: bool
    code_version: str
    engines: Sequence[Engine]
    actor: str | None = None
    stores: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    origin: str | None = None
    log_size: int | None = None
    root: str | None = None
    cosigned: Mapping[str, object] | None = None
    tables: Sequence[Mapping[str, object]] = ()
    runs: Sequence[Mapping[str, object]] = ()
    waiting: Sequence[Mapping[str, object]] = ()
    budget: Sequence[Mapping[str, object]] = ()
    models: Sequence[str] = ()
    unfinished: int = 0
    missing: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    alerts: Sequence[Mapping[str, object]] = ()
    alerts_untold: int | None = None
    lineage: Mapping[str, int] | None = None

    def as_json(self) -> dict[str, object]:
        """Return the fields of `status` (INTERFACE, Commands)."""
        log = {"origin": self.origin, "size": self.log_size, "root": self.root, "cosigned": self.cosigned}
        return {
            "home": self.home,
            "site": self.site,
            "initialised": self.initialised,
            "code_version": self.code_version,
            "actor": self.actor,
            "stores": {name: dict(own) for name, own in self.stores.items()},
            "engines": [
                {"name": own.name, "ready": own.ready, "says": own.says, "remedy": own.remedy}
                for own in self.engines
            ],
            "log": log if self.initialised else None,
            "tables": list(self.tables),
            "runs": list(self.runs),
            "waiting": list(self.waiting),
            "budget": list(self.budget),
            "models": list(self.models),
            "unfinished": self.unfinished,
            "missing": list(self.missing),
            "alerts": list(self.alerts),
            "alerts_untold": self.alerts_untold,
            "lineage": None if self.lineage is None else dict(self.lineage),
        }


def unopened_status(home: Path, settings: SiteSettings) -> SiteStatus:
    """Return what can be said before the home is initialised."""
    models = ModelsEnvironment(
        python=settings.models_python, folder=settings.models_folder, artefacts=home / "models", keys=home
    )
    engines = look_at_engines(models, settings.detector_models.values())
    absent = {"what": "the home is not initialised", "remedy": "livinglab demo"}
    return SiteStatus(
        home=str(home),
        site=settings.name,
        initialised=False,
        code_version=code_version(),
        engines=engines,
        missing=(absent, *_missing_engines(engines)),
    )


def site_status(site: Site, settings: SiteSettings) -> SiteStatus:
    """Return how an opened site stands. Raises NotAllowed, Damaged, Unavailable."""
    site.actor.require("status")
    engines = look_at_engines(site.models, settings.detector_models.values())
    tables = list_tables(site)
    cosigning = read_cosigning(site) if site.log_policy.witnesses else None
    with site.registry.reading() as tx:
        versions = tx.many("versions", order="leaf_index")
        waiting = tx.many("releases", state=str(ReleaseState.SUBMITTED))
        models = tx.many("models", state="active")
        unfinished = tx.count("intents", state=OPEN)
    return SiteStatus(
        home=str(site.home.path),
        site=site.name,
        initialised=True,
        code_version=site.code_version,
        actor=site.actor.name,
        stores={
            name: {"kind": store.kind, "place": store.place}
            for name, store in (("registry", site.registry.store), ("vault", site.vault.store))
        },
        engines=engines,
        origin=site.home.origin,
        log_size=site.log.size(),
        root=site.log.root().hex(),
        cosigned=cosigning.as_json() if cosigning else None,
        tables=tables,
        runs=last_runs(versions),
        waiting=[_waiting(row, reviewer=site.actor.may("report")) for row in waiting],
        budget=[row.as_json() for row in budget_rows(site)],
        models=[row["name"] for row in models],
        unfinished=unfinished,
        missing=(
            *_older_copy(site),
            *_missing_engines(engines),
            *_missing_tables(tables),
            *_missing_trust(site, cosigning),
            *tell_left_behind(site),
        ),
        alerts=[alert.as_json() for alert in firing_alerts(site)],
        alerts_untold=waiting_notices(site) if site.alerts.told_anywhere else None,
        lineage=_lineage(site) if site.lineage.wanted else None,
    )


def _lineage(site: Site) -> dict[str, int]:
    return {"waiting": waiting_lineage(site), "refused": refused_lineage(site)}


def look_at_engines(models: ModelsEnvironment, language_models: Iterable[str]) -> tuple[Engine, ...]:
    """Return the engines, each asked whether it is there; none is started."""
    return (
        _engine("java", lambda: f"Java {check_java()}"),
        _engine("delta jars", _look_for_jars),
        _engine("language model", lambda: _look_for_language_models(language_models)),
        _engine("models environment", lambda: _look_for_models(models)),
    )


def last_runs(versions: Sequence[Row]) -> list[dict[str, object]]:
    """Return the newest runs first, with the time of their last write and the tables they wrote."""
    runs: dict[str, dict[str, object]] = {}
    for row in versions:
        run = (row["details"] or {}).get("run")
        if run is None:
            continue
        earlier = runs.pop(run, None)
        tables = [*(earlier["tables"] if earlier else ()), row["table_name"]]  # type: ignore[misc]
        runs[run] = {"run": run, "time": row["created_at"], "tables": sorted(set(tables))}
    return list(runs.values())[::-1][:RUNS_SHOWN]


def _engine(name: str, look: Callable[[], str]) -> Engine:
    try:
        return Engine(name=name, ready=True, says=look())
    except LivingLabError as error:
        return Engine(name=name, ready=False, says=error.message, remedy=error.remedy)


def _look_for_jars() -> str:
    """Say whether the jars lie there; their digests are checked when Spark starts."""
    folder, pinned = default_folder(), pinned_digests()
    absent = [name for name in pinned if not (folder / name).is_file()]
    if absent:
        raise NotReady(f"{len(absent)} of {len(pinned)} Delta jars are missing", remedy=FETCH)
    return f"{len(pinned)} jars"


def _look_for_language_models(names: Iterable[str]) -> str:
    wanted = sorted(names)
    for name in wanted:
        package_of(name)
    return ", ".join(wanted)


def _look_for_models(models: ModelsEnvironment) -> str:
    models.require()
    return f"recipes: {', '.join(models.recipe_names()) or 'none'}"


def _waiting(release: Row, *, reviewer: bool) -> dict[str, object]:
    """Return one waiting release; its reasons count people and cells, which is for reviewers."""
    return {
        "release": release["release_id"],
        "product": release["product"],
        "since": release["created_at"],
        "reasons": list(release["reasons"] or ()) if reviewer else [],
    }


def _missing_engines(engines: Sequence[Engine]) -> list[dict[str, str]]:
    return [{"what": own.says, "remedy": own.remedy or ""} for own in engines if not own.ready]


def _missing_tables(tables: Sequence[Mapping[str, object]]) -> list[dict[str, str]]:
    if any(own["layer"] == "bronze" and own["version"] is not None for own in tables):
        return []
    return [{"what": "no data has been landed", "remedy": "livinglab demo, or livinglab land DATASET PATH"}]


def _older_copy(site: Site) -> list[dict[str, str]]:
    """Return what witnesses and copies of heads know of a newer copy of this home."""
    found = newer_copy_outside(site)
    return [found] if found else []


def _missing_trust(site: Site, cosigning: Cosigning | None) -> list[dict[str, str]]:
    """Return what the log's head lacks, and whether outsiders hold another trust than the site file's."""
    found = []
    if cosigning is not None and not cosigning.satisfied:
        found.append({"what": cosigning.tell(), "remedy": REMEDY})
    if not site.log.trust_is_current():
        what = "registry/trust.json does not say what the site file now says of witnesses and demands"
        found.append({"what": what, "remedy": "livinglab trust --renew -o trust.json"})
    return found
