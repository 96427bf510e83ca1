"""Files whose name says whose they are: what the name says stands on every row, and nowhere in the file."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from lakehouse.core.contract import DatasetContract
from lakehouse.readers.input_files import FileRows


def without_constants(contract: DatasetContract, constants: Collection[str]) -> DatasetContract:
    """Return the contract of what stands in the file itself, without the `constants` that its name says."""
    columns = tuple(column for column in contract.columns if column.source not in constants)
    return replace(contract, columns=columns, subject=None)


def owned_by(
    rows: FileRows, contract: DatasetContract, *, identity: str, said: Mapping[str, str | int]
) -> FileRows:
    """Say whose file it is, on the file and on every row set aside.

    `identity` is the file's canonical name; `said` what its name says, by source, with `person_id` in it.
    """
    system = contract.subject.system if contract.subject else None
    person = str(said["person_id"])
    constants = {column.name: said[column.source] for column in contract.columns if column.source in said}
    return replace(
        rows,
        identity=identity,
        rows=rows.rows.drop_columns([name for name in constants if name in rows.rows.column_names]),
        rejected=tuple(replace(row, person_id=person, system=system) for row in rows.rejected),
        constants=constants,
    )
