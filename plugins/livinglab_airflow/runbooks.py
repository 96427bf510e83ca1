"""The runbook of each DAG, made from its contract: what it does, what can go wrong, what helps."""

from collections.abc import Sequence

from lakehouse.core.contract import DatasetContract

_AFTER_A_FAILURE = """
**When a task fails**
- Its XCom `refusal` holds code, message and remedy. A refusal (policy, consent, budget), a wrong
  contract or damage is not retried: nothing would change.
- What is unavailable (a locked database, a full disk) is retried twice; then clear the task: the same
  input gives the same version, so a second run never lands anything twice.
- `livinglab status` says what is missing, `livinglab fsck` compares tables, registry and log.
"""


def source_runbook(contract: DatasetContract, silver: Sequence[DatasetContract]) -> str:
    """Return the `doc_md` of a source DAG."""
    tables = "\n".join(f"- `{table.table}`: {table.title}" for table in silver) or "- none yet"
    folders = "` or `".join(contract.folders)
    return f"""### {contract.title}
{contract.description}

Takes files from `landing/{folders}` and, if *Source folder* is set, from
`<source folder>/{folders}`, into `{contract.table}` (one row: {contract.grain}), then brings up to date:
{tables}

**What is set aside**: rows that break the contract go to quarantine with a reason code:
`livinglab quarantine {contract.name}`. Received = accepted + quarantined, always.
{_AFTER_A_FAILURE}"""


def product_runbook(contract: DatasetContract) -> str:
    """Return the `doc_md` of a product DAG."""
    reads = ", ".join(f"`{table}`" for table in contract.inputs())
    return f"""### {contract.title}
{contract.description}

Reads {reads}; consenting people only; one row: {contract.grain}. The assessment decides:
published, refused, answered with noise only, or SUBMITTED. A SUBMITTED release waits in
`approve_{contract.name}` (or for `livinglab approve`); the version before it stays in force.
{_AFTER_A_FAILURE}"""


def approval_runbook(contract: DatasetContract) -> str:
    """Return the `doc_md` of an approval DAG."""
    return f"""### Decide about {contract.title}
Finds the release of `gold.{contract.name}` that waits, shows its facts and asks the DPO
(*Required actions*). The answer is recorded with name, time and reason, as is one given by
`livinglab approve` or `livinglab reject`: whoever comes second finds it decided and stops.
No time limit: an unanswered release stays unpublished.
{_AFTER_A_FAILURE}"""
