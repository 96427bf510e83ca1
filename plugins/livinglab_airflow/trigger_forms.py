"""What people may say when they trigger a DAG: sections, explanations, and checks by JSON schema.

Whatever is said stands in the run and everyone who may sign in can read it. Each DAG gets fields of its own:
Airflow keeps a run's values in them.
"""

from airflow.sdk import Param

from lakehouse.core.contract import Contracts, Layer
from lakehouse.core.report_words import REASONS


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


def retry_form(contracts: Contracts) -> dict[str, Param]:
    """Return the form of `retry_quarantine`; the data set must be chosen."""
    titles = {contract.name: contract.title for contract in contracts.of_layer(Layer.BRONZE)}
    return {
        "dataset": Param(
            type="string",
            enum=sorted(titles),
            values_display=titles,
            title="Data set",
            description_md="Its contract was mended: what land set aside of it is read again.",
            section="Input",
        ),
        "batch": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            title="Batch",
            description_md="Only this batch; `livinglab quarantine DATASET` names them. Empty: all.",
            section="Input",
        ),
        "reason": Param(
            None,
            type=["null", "string"],
            pattern="^[a-z][a-z0-9_]*$",
            maxLength=100,
            examples=sorted(REASONS),
            title="Reason",
            description_md="Only rows set aside for this reason code. Empty: all. A reason or batch that the "
            "data set never had is refused, and the refusal names those there are.",
            section="Input",
        ),
        "dry_run": _dry_run(),
    }


def _dry_run() -> Param:
    return Param(
        False,
        type="boolean",
        title="Dry run",
        description_md="Say what would be done; write nothing.",
        section="What to do",
    )
