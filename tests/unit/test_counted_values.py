"""What different values a table's columns hold, counted without reading the table whole."""

from collections.abc import Callable

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from lakehouse.pipeline.site import Site

TABLE = "bronze.gait_people__quarantine"


@pytest.mark.parametrize("subjects", [[[None, None]], [["a", "a"], [None]], [["a"], []], [[]]])
def test_files_of_one_value_or_none_are_counted(
    open_home: Callable[..., Site], subjects: list[list[str | None]]
) -> None:
    """Statistics that say so of a whole file make the engine's own scan end the process."""
    site = open_home()
    for own in subjects:
        rows = pa.table({"subject": pa.array(own, pa.string()), "row": pa.array(range(len(own)), pa.int64())})
        write_deltalake(site.lake.folder_of(TABLE), rows, mode="append")
    counted = site.lake.counted(TABLE, len(subjects) - 1, ["subject"]).to_pydict()
    everyone = [subject for own in subjects for subject in own]

    assert dict(zip(counted["subject"], counted["rows"], strict=True)) == {
        subject: everyone.count(subject) for subject in everyone
    }
