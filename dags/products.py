"""One DAG a gold contract: publish anew when a table it reads, or the people's consent, has changed."""

from airflow.sdk import DAG, AssetAny

from lakehouse.core.contract import DatasetContract, Layer
from livinglab_airflow.assets import draft_asset, table_asset
from livinglab_airflow.contracts import site_contracts, tables_watched_by
from livinglab_airflow.deadlines import PRODUCT_HOURS, ends_within
from livinglab_airflow.runbooks import product_runbook
from livinglab_airflow.tasks import publish, submit


def product_dag(contract: DatasetContract) -> DAG:
    """Return `publish_<product>`: publish >> submit, which wakes the approval of a waiting release."""
    with DAG(
        dag_id=f"publish_{contract.name}",
        dag_display_name=f"Publish: {contract.title}",
        description=contract.description,
        doc_md=product_runbook(contract),
        schedule=AssetAny(*(table_asset(table) for table in tables_watched_by(contract))),
        catchup=False,
        max_active_runs=1,
        deadline=ends_within(PRODUCT_HOURS),
        tags=["product", f"population:{contract.population}"],
        default_args={"owner": "engineer"},
    ) as dag:
        release = publish.override(outlets=[table_asset(contract)])(contract.name)
        submit.override(outlets=[draft_asset(contract)])(release)
    return dag


for gold in site_contracts().of_layer(Layer.GOLD):
    globals()[f"publish_{gold.name}"] = product_dag(gold)
