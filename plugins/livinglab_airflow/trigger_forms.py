"""What people may say when they trigger a DAG: sections, explanations, and checks by JSON schema.

Whatever is said stands in the run and everyone who may sign in can read it.
"""

from collections.abc import Mapping

from airflow.sdk import Param

DRY_RUN = Param(
    False,
    type="boolean",
    title="Dry run",
    description_md="Say what would be done; write nothing.",
    section="What to do",
)

SOURCE_FORM: Mapping[str, Param] = {
    "source": Param(
        None,
        type=["null", "string"],
        pattern="^/",
        maxLength=1000,
        title="Source folder",
        description_md="Read this folder besides the drop zone, named by its whole path; its files stay "
        "where they are. The path stands in the run for all to see: name no person.",
        section="Input",
    ),
    "dry_run": DRY_RUN,
    "version": Param(
        None,
        type=["null", "integer"],
        minimum=0,
        title="Version of bronze",
        description_md="Refine from this version instead of the newest.",
        section="What to do",
    ),
}
"""The form of `source_<dataset>`."""

RENEWAL_FORM: Mapping[str, Param] = {"dry_run": DRY_RUN}
"""The form of `refine_stale`."""
