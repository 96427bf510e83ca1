"""What Airflow's daemons do between the DAG files and a run, done in this process."""

from livinglab_airflow.settings import PROJECT


def sync_dags() -> None:
    """Write the DAG files into Airflow's database, as the DAG processor does, unpaused."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    bundle = next(iter(manager.get_all_dag_bundles()))
    bundle.initialize()
    bag = BundleDagBag(str(PROJECT / "dags"), bundle_path=bundle.path, bundle_name=bundle.name)
    for _ in range(2):
        sync_bag_to_db(bag, bundle.name, bundle.version)
