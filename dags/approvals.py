"""One DAG a gold contract: ask the DPO about the release that waits, and record what was decided."""

from airflow.sdk import DAG

from lakehouse.core.contract import DatasetContract, Layer
from livinglab_airflow.approvals import QUESTIONS_AT_ONCE, ask_the_dpo, decide, find_waiting_release
from livinglab_airflow.assets import draft_asset
from livinglab_airflow.contracts import site_contracts
from livinglab_airflow.deadlines import APPROVAL_HOURS, ends_within
from livinglab_airflow.runbooks import approval_runbook


def approval_dag(contract: DatasetContract) -> DAG:
    """Return `approve_<product>`: find the release that waits >> ask the DPO >> decide."""
    with DAG(
        dag_id=f"approve_{contract.name}",
        dag_display_name=f"Approve: {contract.title}",
        description=f"Human decision on releases of gold.{contract.name}",
        doc_md=approval_runbook(contract),
        schedule=[draft_asset(contract)],
        catchup=False,
        max_active_runs=QUESTIONS_AT_ONCE,
        deadline=ends_within(APPROVAL_HOURS),
        tags=["approval", f"population:{contract.population}"],
        default_args={"owner": "dpo"},
    ) as dag:
        waiting = find_waiting_release(contract.name)
        asked = ask_the_dpo(contract)
        waiting >> asked >> decide(waiting, asked.output)
    return dag


for gold in site_contracts().of_layer(Layer.GOLD):
    globals()[f"approve_{gold.name}"] = approval_dag(gold)
