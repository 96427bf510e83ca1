"""fsck, models: every file of every logged model against its signed manifest."""

from collections.abc import Iterator

from lakehouse.pipeline.fsck_registry import Finding
from lakehouse.pipeline.model_registry import model_rows, model_store
from lakehouse.pipeline.site import Site


def check_models(site: Site) -> Iterator[Finding]:
    """Yield what is wrong with the artefacts of logged models, and folders that no logged model has."""
    rows = model_rows(site)
    store = model_store(site)
    for row in rows:
        place = f"models/{row['name']}/{row['digest'][:12]}"
        for check in store.checks(row["name"], row["digest"]):
            if not check.ok:
                yield Finding(kind="model file changed", place=f"{place} {check.name}")
    known = {(row["name"], row["digest"]) for row in rows}
    for folder in site.home.place("models").glob("*/*"):
        if (folder.parent.name, folder.name) not in known:
            yield Finding(kind="unknown file among the models", place=f"models/{folder.parent.name}")
