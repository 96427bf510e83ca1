"""The gate for people inside Airflow: find the release that waits, ask the DPO, record the decision."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Param, get_current_context, task
from airflow.sdk.execution_time.hitl import HITLUser

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import Refused
from livinglab_airflow.assets import ASKED_BESIDE, RELEASE, draft_asset, waiting_event
from livinglab_airflow.contracts import protection_officers
from livinglab_airflow.refusals import end_without_change, say_refusals
from livinglab_airflow.sites import cosign_written, open_task_site
from livinglab_airflow.tasks import RETRIES

if TYPE_CHECKING:
    from lakehouse.pipeline.site import Site

UNFINISHED = frozenset({"SUBMITTED", "APPROVED"})
"""States in which an answer still changes something: APPROVED is an approval that a crash cut short."""

QUESTIONS_AT_ONCE = 16
"""How many releases of a product may wait for an answer beside each other: a question holds no worker."""

UNDECIDED = "The draft stays inside until you approve it."
REPLACED = "A later release of this product stands: this one can only be rejected."

REASON = Param(
    "decided on the facts shown in Airflow",
    type="string",
    minLength=3,
    title="Reason",
    description_md="Stands in the record of the decision. Name no person.",
)


class DpoApproval(ApprovalOperator):
    """Asks the DPO; unlike its parent it lets a rejection go on, because that is recorded too."""

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Return the answer: option, reason, who gave it and when."""
        return HITLOperator.execute_complete(self, context, event)


def ask_the_dpo(contract: DatasetContract) -> DpoApproval:
    """Return the task that waits, without a worker, until the DPO has approved or rejected."""
    return DpoApproval(
        task_id="ask_the_dpo",
        subject=f"Release of gold.{contract.name}: approve or reject?",
        body="{{ ti.xcom_pull(task_ids='find_waiting_release')['facts'] }}",
        params={"reason": REASON},
        assigned_users=[HITLUser(id=name, name=name) for name in protection_officers()],
    )


@task(outlets=[ASKED_BESIDE], **RETRIES)
@say_refusals
def find_waiting_release(product: str) -> dict[str, str]:
    """Return the id and the facts of the release that woke this run, or of the newest where none did.

    Several may have woken it at once: the others wake runs of their own, so that each can be answered.
    Skipped where none waits any more.
    """
    from lakehouse.pipeline.publish_records import later_releases

    context = get_current_context()
    site = open_task_site()
    with site.registry.reading() as tx:
        waiting = tx.many("releases", product=product, state="SUBMITTED", order="leaf_index")
    named = releases_named(context["triggering_asset_events"])
    meant = [row for row in waiting if row["release_id"] in named] if named else waiting[-1:]
    if not meant:
        end_without_change(f"no release of {product} waits for a decision")
    asset = draft_asset(site.contracts.gold(product))
    for other in meant[:-1]:
        context["outlet_events"][ASKED_BESIDE].add(asset, extra=waiting_event(other["release_id"]))
    facts = facts_of_release(meant[-1], replaced=bool(later_releases(site, meant[-1])))
    return {"release_id": str(meant[-1]["release_id"]), "facts": facts}


def releases_named(events: Mapping[Any, Sequence[Any]]) -> frozenset[str]:
    """Return the releases that the events say newly wait; none of a run that a person triggered."""
    extras = [event.extra for listed in events.values() for event in listed]
    return frozenset(str(extra[RELEASE]) for extra in extras if extra.get(RELEASE))


@task(**RETRIES)
@say_refusals
def decide(waiting: dict[str, str], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Record the DPO's answer through the registry; skipped, saying why, where it changes nothing."""
    from lakehouse.pipeline.decide import decide as decide_release

    responder = answer["responded_by_user"] or {}
    site = open_task_site(actor=str(responder.get("name") or responder.get("id")))
    release_id = waiting["release_id"]
    verdict = "approve" if answer["chosen_options"] == [ApprovalOperator.APPROVE] else "reject"
    decided, moot = None, why_moot(site, release_id, verdict)
    if moot is None:
        try:
            decided = decide_release(site, release_id, verdict, str(answer["params_input"].get("reason", "")))
        except Refused:
            # The other door may have decided since the look above.
            moot = why_moot(site, release_id, verdict)
            if moot is None:
                raise
    cosign_written(site)
    if decided is None:
        end_without_change(str(moot))
    return decided.as_json()


def why_moot(site: "Site", release_id: str, verdict: str) -> str | None:
    """Return why an answer about a release changes nothing any more, None where it still does.

    verdict: `approve` or `reject`. The registry knows: another door decided, or a later release replaced it.
    """
    from lakehouse.pipeline.publish_records import later_releases

    with site.registry.reading() as tx:
        release = tx.one("releases", release_id=release_id)
    if release is None or release["state"] not in UNFINISHED:
        state = "not in the registry" if release is None else f"decided already, it is {release['state']}"
        return f"release {release_id} is {state}: this answer changes nothing"
    if verdict == "approve" and release["state"] == "SUBMITTED" and (later := later_releases(site, release)):
        return (
            f"release {release_id} was replaced by {later[-1]['release_id']}: it is not approved; "
            f"decide about the later one, and reject this one: livinglab reject {release_id} --reason TEXT"
        )
    return None


FIGURES = ("rows", "suppressed", "k", "l", "t", "findings")


def facts_of_release(release: Mapping[str, Any], *, replaced: bool = False) -> str:
    """Return the facts of a release as markdown: what the DPO decides on, no value of a person.

    replaced: a later release of the product stands.
    """
    reasons = "\n".join(f"- {reason}" for reason in release["reasons"] or ()) or "- none recorded"
    figures = " | ".join("–" if release[name] is None else str(release[name]) for name in FIGURES)
    table = release["table_name"]
    last = REPLACED if replaced else UNDECIDED
    return f"""**Release `{release["release_id"]}`** in `{table}`

| {" | ".join(FIGURES)} |
|{"---|" * len(FIGURES)}
| {figures} |

Why it waits:
{reasons}

{last} The full report: `livinglab report {table} -o reports`
"""
