"""What a source folder holds: which files are whose batch (INTERFACE, Places).

A source has one folder a publisher; a bronze contract names its folders and the patterns of its files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lakehouse.core.contract import Contracts, DatasetContract, Layer
from lakehouse.errors import UnreadableInput
from lakehouse.readers.input_files import matches

DOCUMENTS = frozenset(
    {"MANIFEST.tsv", "README.md", "README", "README.txt", "LICENSE", "LICENSE.txt", "NOTICE", "format.txt"}
    | {"SHA256SUMS.txt", ".gitkeep"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """The batches of a source.

    batches: the files of each data set, in order of their paths. skipped: documents and folders that no
    contract names; these names are ours or the publisher's, never a person's. unclaimed: how many
    other files no contract takes, by folder (their names may be identities).
    """

    batches: Mapping[str, tuple[Path, ...]]
    skipped: tuple[str, ...]
    unclaimed: Mapping[str, int]


def find_batches(source: Path, contracts: Contracts) -> SourcePlan:
    """Return what each bronze contract finds in `source`; data sets without a file are left out.

    Raises:
        UnreadableInput: `source` is not a folder, or holds nothing that a contract names.
    """
    if not source.is_dir():
        raise UnreadableInput(
            "the source is not a folder", remedy="give a folder with one folder a publisher"
        )
    datasets = contracts.of_layer(Layer.BRONZE)
    batches: dict[str, list[Path]] = {}
    skipped: list[str] = []
    unclaimed: dict[str, int] = {}
    for entry in sorted(source.iterdir()):
        readers = [contract for contract in datasets if entry.name in contract.folders]
        if entry.is_dir() and not readers:
            skipped.append(f"{entry.name}/")
            continue
        left = _share_out(entry, readers, batches) if entry.is_dir() else [entry]
        folder = entry.name if entry.is_dir() else "."
        documents = [str(file.relative_to(source)) for file in left if file.name in DOCUMENTS]
        skipped += documents
        if len(left) > len(documents):
            unclaimed[folder] = unclaimed.get(folder, 0) + len(left) - len(documents)
    if not batches:
        folders = sorted({folder for contract in datasets for folder in contract.folders})
        raise UnreadableInput(
            "the source holds no file of any data set", remedy=f"its folders are named {', '.join(folders)}"
        )
    return SourcePlan(
        batches={name: tuple(files) for name, files in batches.items()},
        skipped=tuple(skipped),
        unclaimed=unclaimed,
    )


def _share_out(
    folder: Path, readers: Iterable[DatasetContract], batches: dict[str, list[Path]]
) -> list[Path]:
    """Give each file to the contracts whose patterns name it; return the files that nobody takes."""
    left = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        takers = [contract.name for contract in readers if matches(file, folder, contract.files)]
        for name in takers:
            batches.setdefault(name, []).append(file)
        if not takers:
            left.append(file)
    return left
