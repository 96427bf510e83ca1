"""What people may say when they trigger a DAG: sections, explanations, and checks by JSON schema.

Whatever is said stands in the run and everyone who may sign in can read it. Each DAG gets fields of its own:
Airflow keeps a run's values in them.
"""

from airflow.sdk import Param


def source_form() -> dict[str, Param]:
    """Return the form of `source_<dataset>`."""
    return {
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
        "dry_run": _dry_run(),
        "version": Param(
            None,
            type=["null", "integer"],
            minimum=0,
            title="Version of bronze",
            description_md="Refine from this version instead of the newest.",
            section="What to do",
        ),
    }


def renewal_form() -> dict[str, Param]:
    """Return the form of `refine_stale`."""
    return {"dry_run": _dry_run()}


def _dry_run() -> Param:
    return Param(
        False,
        type="boolean",
        title="Dry run",
        description_md="Say what would be done; write nothing.",
        section="What to do",
    )
