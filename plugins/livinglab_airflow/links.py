"""The button "Lineage receipt" on every task: to what its run wrote into the log."""

from typing import Any
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink


class LineageReceiptLink(BaseOperatorLink):
    """Leads from a task to the receipt of its DAG run."""

    name = "Lineage receipt"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:  # noqa: ARG002  Airflow's signature
        """Return the address of the receipt, relative to Airflow's own."""
        return "/livinglab/receipt?" + urlencode({"dag_id": ti_key.dag_id, "run_id": ti_key.run_id})
