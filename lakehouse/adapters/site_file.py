"""A site file: engine, models environment, contracts, who may act, who witnesses the log, what alerts."""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lakehouse.adapters.language_models import DEFAULT_MODELS
from lakehouse.adapters.lineage_settings import LineageSettings, parse_lineage
from lakehouse.adapters.log_settings import LogSettings, parse_log_settings
from lakehouse.adapters.spark_jars import default_folder
from lakehouse.adapters.spark_session import LOOPBACK, PROJECT, Engine
from lakehouse.adapters.store_settings import StoreSettings, parse_stores
from lakehouse.core.actors import ActorMap, parse_actors
from lakehouse.core.alerts import AlertSettings, parse_alerts
from lakehouse.core.toml_section import Section
from lakehouse.errors import ContractError, Damaged

DEFAULT_SITE = PROJECT / "infra" / "sites" / "local.toml"
HOME_WITNESSES = "witnesses.toml"
"""Witnesses that a home was given by the Airflow UI; a site file that names its own stands above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """What a site file says; paths in it are relative to it."""

    name: str
    policy: str
    expectations: Path
    engine: Engine
    models_folder: Path
    models_python: Path
    detector_models: Mapping[str, str]
    actors: ActorMap
    log: LogSettings
    alerts: AlertSettings = field(default_factory=AlertSettings)
    lineage: LineageSettings = field(default_factory=LineageSettings)
    stores: StoreSettings = field(default_factory=StoreSettings)


def read_site_file(path: Path | None = None) -> SiteSettings:
    """Return the settings; `$LIVINGLAB_SPARK` stands above the file's engine.

    A file with `base` takes all but `name`, `[log]`, `[alerts]`, `[lineage]`, `[stores]` and `[airflow]`
    from the site file it names.
    Raises ContractError naming file and key.
    """
    chosen = path or DEFAULT_SITE
    top = Section(_read_toml(chosen), file=chosen.name)
    folder = chosen.resolve().parent
    if top.has("base"):
        return _with_own_log(top, folder)
    engine, models, detector = (
        Section(top.take(name) or {}, file=chosen.name, place=name)
        for name in ("engine", "models", "detector")
    )
    actors = top.take("actors")
    settings = SiteSettings(
        name=top.text("name"),
        policy=top.text("policy", "research"),
        expectations=folder / top.text("expectations", "../../expectations"),
        engine=_engine(engine, folder),
        models_folder=folder / models.text("folder", "../../models"),
        models_python=folder / models.text("python", "../../models/.venv/bin/python"),
        detector_models=_language_models(detector),
        actors=parse_actors(actors if isinstance(actors, Mapping) else None, chosen.name),
        log=parse_log_settings(top.section("log"), folder),
        alerts=parse_alerts(top.section("alerts")),
        lineage=parse_lineage(top.section("lineage"), folder),
        stores=parse_stores(top),
    )
    for section in (top, engine, models, detector):
        section.finish()
    return settings


def with_home_witnesses(settings: SiteSettings, home: Path) -> SiteSettings:
    """Return the settings with the home's own witnesses, where the site file names none.

    They may cosign and nothing demands it: they end with the UI. Raises Damaged.
    """
    file = home / HOME_WITNESSES
    if settings.log.witnesses or not file.exists():
        return settings
    try:
        top = Section(_read_toml(file), file=file.name)
        witnesses = parse_log_settings(top.section("log"), home).witnesses
        top.finish()
    except ContractError as error:
        raise Damaged(error.message, remedy=f"restore {file.name} from a backup of this home") from error
    return replace(settings, log=replace(settings.log, witnesses=witnesses))


def _engine(engine: Section, folder: Path) -> Engine:
    """Return the engine; `$LIVINGLAB_SPARK_ADDRESS` stands above the file's address."""
    master, address = engine.text("spark", "local[2]"), engine.text("address", LOOPBACK)
    secret = engine.optional_text("secret_file")
    return Engine(
        master=os.environ.get("LIVINGLAB_SPARK") or master,
        jars=default_folder(),
        memory=engine.text("memory", "1500m"),
        address=os.environ.get("LIVINGLAB_SPARK_ADDRESS") or address,
        worker_memory=engine.text("worker_memory", "1g"),
        secret=folder / secret if secret else None,
    )


def _language_models(detector: Section) -> Mapping[str, str]:
    """Return language -> model: `model` is the English one, `[detector.models]` names those of others."""
    english = detector.text("model", DEFAULT_MODELS["en"])
    named = detector.mapping("models")
    for language, model in named.items():
        if not isinstance(model, str):
            raise detector.error("models", f"the model of {language!r} must be a name")
    return {**DEFAULT_MODELS, "en": english, **{language: str(model) for language, model in named.items()}}


def _with_own_log(top: Section, folder: Path) -> SiteSettings:
    base = folder / top.text("base")
    if Section(_read_toml(base), file=base.name).has("base"):
        raise top.error("base", "must name a site file without a base of its own")
    settings = read_site_file(base)
    log = parse_log_settings(top.section("log"), folder)
    alerts = parse_alerts(top.section("alerts")) if top.has("alerts") else settings.alerts
    lineage = parse_lineage(top.section("lineage"), folder) if top.has("lineage") else settings.lineage
    stores = parse_stores(top) if top.has("stores") or top.has("airflow") else settings.stores
    name = top.text("name", settings.name)
    top.finish()
    return replace(settings, name=name, log=log, alerts=alerts, lineage=lineage, stores=stores)


def _read_toml(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ContractError(path.name, "(file)", "cannot be read") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContractError(path.name, "(file)", f"is not TOML: {error}") from error
