"""What was changed behind our back is found and named; an untouched home is clean.

All 200 changes are made by `make drills`; here are some of them, and the attacks that take more than a byte.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from lakehouse.adapters.delta_log import file_sha256
from lakehouse.core.digests import file_digest
from lakehouse.core.lineage import parse_record
from lakehouse.core.merkle import leaf_hash
from lakehouse.pipeline import fsck_tables
from lakehouse.pipeline.signing import plain_content
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site
from tests.drills.log_faults import SITE_FILE
from tests.drills.tampering import BRONZE, GOLD, change_bytes, copied, found_in, make_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("tampering")
        patch.setenv("LIVINGLAB_KEYS", str(folder / "keys"))
        yield make_home(folder, patch)


@pytest.fixture
def copy(home: Path) -> Path:
    return copied(home)


def folder_of(home: Path, table: str) -> Path:
    return home / "lake" / table.replace(".", "/")


def told(home: Path) -> set[tuple[str, str]]:
    return {(found.kind, found.place) for found in found_in(home)}


def test_an_untouched_home_is_clean_and_its_killed_write_ended(copy: Path) -> None:
    assert told(copy) == set()
    assert list((copy / "work").iterdir()) == []


def test_a_changed_byte_is_found_and_named_wherever_it_lies(home: Path) -> None:
    changes, _ = change_bytes(home, 32, seed=1)
    assert [change for change in changes if not change.named] == []
    assert len({change.area for change in changes}) == 8


def test_an_fsck_that_does_not_read_files_misses_bytes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The broken variant: names are looked at, contents are not."""
    monkeypatch.setattr(fsck_tables, "_check_files", lambda *_arguments: iter(()))
    changes, _ = change_bytes(home, 16, seed=1)
    assert any(not change.named for change in changes if change.area in ("bronze", "silver", "gold"))


def test_rows_taken_out_of_a_file_are_found(copy: Path) -> None:
    file = next(folder_of(copy, BRONZE).glob("*.parquet"))
    pq.write_table(pq.read_table(file).slice(1), file)
    assert ("file was changed", f"lake/{BRONZE}/{file.name}") in told(copy)


def test_commits_in_another_order_are_found(copy: Path) -> None:
    log = folder_of(copy, BRONZE) / "_delta_log"
    first, second = (log / f"{version:020d}.json" for version in (0, 1))
    contents = first.read_bytes(), second.read_bytes()
    first.write_bytes(contents[1])
    second.write_bytes(contents[0])
    expected = {("file was changed", f"lake/{BRONZE}/_delta_log/{file.name}") for file in (first, second)}
    assert expected <= told(copy)


def test_a_table_restored_from_its_copy_of_yesterday_is_found(copy: Path, tmp_path: Path) -> None:
    """Delta opens version 0 as if there had never been another."""
    folder = folder_of(copy, BRONZE)
    newer = folder / "_delta_log" / f"{1:020d}.json"
    added = set(DeltaTable(folder, version=1).file_uris()) - set(DeltaTable(folder, version=0).file_uris())
    for path in (newer, *(folder / Path(str(uri)).name for uri in added)):
        path.unlink()
    assert DeltaTable(folder).version() == 0
    assert ("Delta version is missing", f"lake/{BRONZE}@1") in told(copy)


@pytest.mark.parametrize("table", [BRONZE, GOLD])
def test_a_version_written_behind_our_back_is_found_and_not_signed(copy: Path, table: str) -> None:
    folder = folder_of(copy, table)
    rows = DeltaTable(folder).to_pyarrow_table()
    write_deltalake(folder, rows, mode="append")
    version = DeltaTable(folder).version()
    for _ in range(2):
        assert ("Delta version without a leaf", f"lake/{table}@{version}") in told(copy)


def test_rows_deleted_behind_our_back_are_found(copy: Path) -> None:
    DeltaTable(folder_of(copy, BRONZE)).delete("row = 1")
    assert ("Delta version without a leaf", f"lake/{BRONZE}@2") in told(copy)


def forge_gold(site: Site) -> None:
    """Change gold, its commit and all rows of registry.db that tell of them, with the registry's own key."""
    folder = site.lake.folder_of(GOLD)
    file, commit = next(folder.glob("*.parquet")), folder / "_delta_log" / f"{0:020d}.json"
    rows, size = pq.read_table(file).set_column(1, "people", pa.array([11])), file.stat().st_size
    pq.write_table(rows, file)
    commit.write_text(commit.read_text().replace(f'"size":{size}', f'"size":{file.stat().st_size}'))
    with site.registry.transaction() as tx:
        (row,) = tx.many("versions", table_name=GOLD)
        manifest = [[path, file_sha256(folder / path)] for path, _ in row["manifest"]]
        digests = {"file": file_digest(list(map(tuple, manifest)), None), "content": plain_content(rows)}
        record = parse_record(row["record"].encode())
        entry = replace(record, digests={**record.digests, **digests}).public_bytes()
        told = {"manifest": manifest, "file_digest": digests["file"], "content_digest": digests["content"]}
        tx.change("versions", {"table_name": GOLD}, record=entry.decode(), **told)
        leaf = leaf_hash(entry).hex()
        tx.change("entries", {"leaf_index": row["leaf_index"]}, entry=entry.decode(), leaf_hash=leaf)


def sign_again(site: Site) -> None:
    """Build tiles and every kept head anew over the entries there are, with the log's own key."""
    shutil.rmtree(site.home.place("registry", "tile"))
    site.home.place("registry", "checkpoint").unlink()
    with site.registry.transaction() as tx:
        entries = [row["entry"].encode() for row in tx.many("entries")]
        heads = {row["size"] for row in tx.many("checkpoints")}
        for number, entry in enumerate(entries):
            site.log.extend([entry], number)
            if number + 1 in heads:
                head = {"root": site.log.root().hex(), "note": site.log.checkpoint_text()}
                tx.change("checkpoints", {"size": number + 1}, **head)


def test_a_file_changed_with_all_its_rows_and_macs_is_found_by_the_log(copy: Path) -> None:
    site = open_site(copy.with_name(SITE_FILE), copy)
    forge_gold(site)
    assert site.registry.check() == []
    kinds = {kind for kind, _ in told(copy)}
    assert {"log file changed", "signed head is not one of this log"} <= kinds


def test_with_every_key_and_no_witness_history_can_be_written_anew(copy: Path) -> None:
    """What fsck cannot see, and witnesses are for: tests/witness has the same attack against them."""
    site = open_site(copy.with_name(SITE_FILE), copy)
    forge_gold(site)
    sign_again(site)
    assert told(copy) == set()
