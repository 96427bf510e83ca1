"""The runbook of each DAG, made from its contract: what it does, what can go wrong, what helps."""

from collections.abc import Sequence

from lakehouse.core.contract import DatasetContract

_AFTER_A_FAILURE = """
**When a task fails**
- Its XCom `refusal` holds code, message and remedy. A refusal (policy, consent, budget), a wrong
  contract or damage is not retried: nothing would change.
- What is unavailable (a locked database, a full disk) is retried twice; then clear the task: the same
  input gives the same version, so a second run never lands anything twice.
- *Clear* of a task or a run does the same again and doubles nothing: results say `repeated: true`.
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

**When it runs**: when files have come to rest in the drop zone (a burst of files is one run; a file
still being written, or named `.part` or `.tmp`, is waited for), every night for what was missed, and
by hand. *Backfill* is one such run for each night asked for: what the first takes in, the others repeat;
files carry no date here. *Dry run* counts the files and writes nothing.

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

**When it runs**: when a table it reads, or the consents, have a new version, and by hand. It has no
schedule, so Airflow offers no *Backfill*: *Clear* a run, or trigger a new one; the same inputs give the
release there is, and nothing is charged twice.
{_AFTER_A_FAILURE}"""


def approval_runbook(contract: DatasetContract) -> str:
    """Return the `doc_md` of an approval DAG."""
    return f"""### Decide about {contract.title}
Finds the release of `gold.{contract.name}` that waits, shows its facts and asks the DPO
(*Required actions*). The answer is recorded with name, time and reason, as is one given by
`livinglab approve` or `livinglab reject`: whoever comes second finds it decided and stops.
Each release that waits has a run and a question of its own. Of several, only the newest can be approved: the
answer *Approve* to an older one, or any answer to one that the other door has decided, changes nothing. The
run then ends well with *decide* skipped; its log and its receipt say which release replaced it or what was
decided. Clear *ask_the_dpo* of that run to be asked again, or reject the older one with the command.
No time limit: an unanswered release stays unpublished. After three days its missed deadline is an
alert of `livinglab status`.
{_AFTER_A_FAILURE}"""


def renewal_runbook() -> str:
    """Return the `doc_md` of the DAG `refine_stale`."""
    return f"""### After a contract or consents have changed
Finds silver versions and releases that an earlier contract or policy made, and releases that count people
who have withdrawn since, and models that learnt from either (`livinglab status` names them); refines the
first, publishes the second one by one, trains the third one by one, as `livinglab refine --stale` does.
Trigger it by hand once the change is reviewed; it has no schedule, because a nightly run would act on a
change half made. Run again it finds nothing and is skipped, unless a release waits for a decision or too few
people are left to train a model. *Dry run* only lists what is stale.

`republish` fails where a rule or the budget refuses a product, `retrain` where the models environment is not
set up (`make models`): each says so in its `refusal`, and the others go on.
{_AFTER_A_FAILURE}"""


def retry_runbook() -> str:
    """Return the `doc_md` of the DAG `retry_quarantine`."""
    return f"""### After a contract was mended
Opens in memory what land set aside of a data set, reads it again under the contract there is now, and refines
the data set, as `livinglab quarantine DATASET --retry` does. What passes lands where it stood; the counts of
its batch follow. `livinglab status` names data sets whose contract changed since they landed. Trigger it by
hand; it has no schedule, because a nightly run would act on a change half made. Run again it doubles nothing.
*Dry run* only counts.

**What stays**: duplicates, rows that still break the contract, and those whose key was destroyed. What
refine set aside is not read here: the next run of the data set's source DAG judges it anew.
{_AFTER_A_FAILURE}"""


def alert_runbook() -> str:
    """Return the `doc_md` of the DAG `tell_alerts`."""
    return f"""### Alerts go out
Tells the program or address that `[alerts]` of the site file names which alerts began and which have ended,
each once, every ten minutes; tasks that write do so at their end. Where the site file names neither, this DAG
has no schedule. It fails where a receiver takes nothing: what it did not take is sent again by the next run.
{_AFTER_A_FAILURE}"""


def settling_runbook() -> str:
    """Return the `doc_md` of the DAG `settle_log`."""
    return f"""### Keep the head of the log covered
Asks the site's witnesses and time-stamping authorities for what the newest head still lacks, four times a
day: a write that found one of them down is made up for without waiting for the next write.
{_AFTER_A_FAILURE}"""
