"""fsck, models: every file of every logged model against its signed manifest.

A folder that no logged model has is what a killed training left: `train` removes it, nothing opens it.
"""

from collections.abc import Iterator

from lakehouse.pipeline.fsck_registry import Finding
from lakehouse.pipeline.model_registry import model_rows, model_store
from lakehouse.pipeline.site import Site


def check_models(site: Site) -> Iterator[Finding]:
    """Yield what is wrong with the artefacts of logged models."""
    store = model_store(site)
    for row in model_rows(site):
        place = f"models/{row['name']}/{row['digest'][:12]}"
        for check in store.checks(row["name"], row["digest"]):
            if not check.ok:
                yield Finding(kind="model file changed", place=f"{place} {check.name}")
