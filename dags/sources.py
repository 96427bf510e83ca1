"""One DAG a bronze contract: land what is new, then bring the silver tables that read it up to date."""

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable

from lakehouse.core.contract import DatasetContract, Layer
from livinglab_airflow.assets import landing_asset, table_asset
from livinglab_airflow.contracts import silver_tables_from, site_contracts
from livinglab_airflow.deadlines import SOURCE_HOURS, ends_within
from livinglab_airflow.runbooks import source_runbook
from livinglab_airflow.tasks import find_batches, land, refine
from livinglab_airflow.trigger_forms import source_form

NIGHTLY = CronTriggerTimetable("0 2 * * *", timezone="UTC")
"""Takes in what the watcher of the drop zone missed; it is also what makes these DAGs fit for a backfill."""


def source_dag(contract: DatasetContract) -> DAG:
    """Return `source_<dataset>`: find_batches >> land, mapped over batches >> refine."""
    silver = silver_tables_from(contract.name)
    with DAG(
        dag_id=f"source_{contract.name}",
        dag_display_name=f"Source: {contract.title}",
        description=contract.description,
        doc_md=source_runbook(contract, silver),
        schedule=AssetOrTimeSchedule(timetable=NIGHTLY, assets=landing_asset(contract)),
        catchup=False,
        max_active_runs=1,
        params=source_form(),
        deadline=ends_within(SOURCE_HOURS),
        tags=["source", f"population:{contract.population}"],
        default_args={"owner": "engineer"},
    ) as dag:
        batches = find_batches(contract.name)
        landed = land.override(outlets=[table_asset(contract)]).partial(dataset=contract.name)
        refined = refine.override(outlets=[table_asset(table) for table in silver])
        landed.expand(place=batches) >> refined(contract.name)
    return dag


for bronze in site_contracts().of_layer(Layer.BRONZE):
    globals()[f"source_{bronze.name}"] = source_dag(bronze)
