"""fsck finds and names one changed byte or row anywhere, and nothing in a sound home."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake
from home_samples import GOLD, bronze_rows, make_home

from lakehouse.adapters.registry_schema import REGISTRY
from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.tile_log import TileLog
from lakehouse.cli.main import run
from lakehouse.core.canonical import digest_json
from lakehouse.pipeline.fsck import fsck as walk
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import write_tables


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A sound home, its keys beside it."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("fsck")
        make_home(folder, patch)
        yield folder / "home"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site of its own, for what is changed through its own interfaces."""
    return make_home(tmp_path, monkeypatch)


@pytest.fixture
def copy(home: Path, tmp_path: Path) -> Path:
    """A copy of the home that a test may damage."""
    return Path(shutil.copytree(home, tmp_path / "home"))


def fsck(home: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, object]]:
    capsys.readouterr()
    code = run(["--home", str(home), "--json", "fsck"])
    return code, json.loads(capsys.readouterr().out)


def places(said: dict[str, object]) -> str:
    return json.dumps(said["findings"])


def flip(file: Path, place: int) -> None:
    content = bytearray(file.read_bytes())
    content[place % len(content)] ^= 0x10
    file.write_bytes(bytes(content))


def test_a_sound_home_is_clean_where_it_was_made_and_where_it_was_copied(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = fsck(copy, capsys)
    assert (code, said) == (0, {"tables": 2, "versions": 3, "findings": [], "clean": True})


def test_rows_without_a_subject_in_two_batches_are_clean(site: Site) -> None:
    """Quarantine appends rows that belong to nobody: their one leaf covers those of all batches."""
    for batch in (1, 2):
        write = bronze_rows(["of nobody"], batch)
        rows = write.rows.set_column(0, "subject", pa.array([None], pa.string()))
        aside = replace(write, table="bronze.gait_people__quarantine", rows=rows)
        write_tables(site, verb="land", run_key=f"aside {batch}", writes=[aside])
        assert walk(site, print).clean


@pytest.mark.parametrize("where", ["lake", "registry"])
def test_one_changed_byte_in_any_file_is_found_and_named(
    home: Path, copy: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(path.relative_to(home) for path in (home / where).rglob("*") if path.is_file())
    assert len(files) >= 6
    for number, file in enumerate(files):
        whole = (copy / file).read_bytes()
        flip(copy / file, 7 + 31 * number)
        code, said = fsck(copy, capsys)
        assert (code, file.name in places(said)) == (6, True), file
        (copy / file).write_bytes(whole)


@pytest.mark.parametrize("where", ["lake", "registry"])
def test_a_missing_file_is_found(
    home: Path, copy: Path, where: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Partial tiles of earlier checkpoints (here: of fewer than 6 leaves) need not be there."""
    files = [path.relative_to(home) for path in (home / where).rglob("*") if path.is_file()]
    for file in sorted(file for file in files if not file.parent.name.endswith(".p") or file.name == "6"):
        kept = (copy / file).rename(copy / "kept")
        code, said = fsck(copy, capsys)
        assert (code, file.name in places(said)) == (6, True), file
        kept.rename(copy / file)


@pytest.mark.parametrize(
    "name",
    [
        "lake/gold/gait_by_cohort/part-9.parquet",
        "lake/bronze/gait_people/_delta_log/00000000000000000002.json",
        "lake/gold/another/part-0.parquet",
        "lake/loose",
        "registry/notes.txt",
    ],
)
def test_a_file_that_nobody_signed_is_found(
    copy: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / name).write_text("{}")
    assert fsck(copy, capsys)[0] == 6


def test_a_home_that_lost_its_identity_is_damaged(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "home.json").unlink()
    assert fsck(copy, capsys)[0] == 6


@pytest.mark.parametrize("target", ["/tmp", "/nonexistent", "part-0.parquet"])
def test_a_link_that_nobody_signed_is_found(
    copy: Path, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "lake/gold/gait_by_cohort/elsewhere").symlink_to(target)
    code, said = fsck(copy, capsys)
    assert (code, "elsewhere" in places(said)) == (6, True)


@pytest.mark.parametrize("table", sorted(REGISTRY))
def test_a_changed_or_missing_row_of_registry_db_is_found(
    home: Path, copy: Path, table: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first = f"WHERE rowid = (SELECT min(rowid) FROM {table})"
    columns = REGISTRY[table].columns
    changes = [f"SET {column} = coalesce({column}, 0) || '7'" for column in columns]
    changes += [f"SET {column} = NULL" for column in columns.keys() & {"note", "record", "details", "entry"}]
    for statement in [f"UPDATE {table} {change} {first}" for change in changes] + [
        f"DELETE FROM {table} {first}"
    ]:
        shutil.copy(home / "registry.db", copy / "registry.db")
        assert _change(copy, statement) == 1
        assert fsck(copy, capsys)[0] == 6, statement


def _change(home: Path, statement: str, file: str = "registry.db") -> int:
    """Run a statement behind our back and return how many rows it touched."""
    with closing(sqlite3.connect(home / file)) as link, link:
        return link.execute(statement).rowcount


def test_a_file_changed_together_with_its_row_is_found(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The attacker knows everything but the keys: new file, new manifest, new digest in the row."""
    file = next((copy / "lake/gold/gait_by_cohort").glob("*.parquet"))
    before = _sha256(file)
    flip(file, 50)
    _change(copy, f"UPDATE versions SET manifest = replace(manifest, '{before}', '{_sha256(file)}')")
    code, said = fsck(copy, capsys)
    assert code == 6
    assert "row was changed" in places(said)
    assert "not that of the file digest" in places(said)


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_table_made_otherwise_is_found(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows are as they were, and so are their MACs: only what the table accepts has changed."""
    with closing(sqlite3.connect(copy / "registry.db")) as link, link:
        link.execute("PRAGMA writable_schema = ON")
        link.execute("UPDATE sqlite_master SET sql = replace(sql, 'STRICT', '') WHERE name = 'charges'")
    code, said = fsck(copy, capsys)
    assert (code, "registry.db table charges" in places(said)) == (6, True)


def test_an_intent_that_somebody_else_opened_is_not_ended(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The attacker writes a Delta version and an intent that names it: the replay must not sign it."""
    folder = copy / "lake/gold/gait_by_cohort"
    table = pa.table({"age_band": ["80-99"], "people": [1_000]})
    write_deltalake(folder, table, mode="overwrite")
    written = [{"table": GOLD, "base": 0, "mode": "overwrite", "by_subject": False, "kind": "write"}]
    payload = {"inputs": [], "consent_root": None, "rows": {}}
    (copy / "work").mkdir(exist_ok=True)
    with closing(sqlite3.connect(copy / "registry.db")) as link, link:
        (intent,) = link.execute("SELECT intent_id FROM intents WHERE verb = 'publish'").fetchone()
        link.execute(
            "UPDATE intents SET state = 'open', tables = ?, payload = ? WHERE intent_id = ?",
            [json.dumps([{**written[0], "details": {}}]), json.dumps(payload), intent],
        )
    pq.write_table(table, copy / "work" / f"{intent}-0.parquet")
    for _ in range(2):
        code, said = fsck(copy, capsys)
        assert code == 6
        assert "registry.db intents" in places(said)


def test_a_page_that_sqlite_cannot_read_is_damage(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for start in (0, 4096, 8192):
        shutil.copy(copy / "registry.db", copy / "whole")
        content = bytearray((copy / "registry.db").read_bytes())
        content[start : start + 300] = b"\xff" * 300
        (copy / "registry.db").write_bytes(bytes(content))
        code, said = fsck(copy, capsys)
        assert (code, "registry.db" in places(said)) == (6, True), start
        shutil.copy(copy / "whole", copy / "registry.db")


def test_an_older_copy_of_a_table_is_found(
    home: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Delta itself is content with version 0: the log is not."""
    (copy / "lake/bronze/gait_people/_delta_log/00000000000000000001.json").unlink()
    code, said = fsck(copy, capsys)
    assert (code, "Delta version is missing" in places(said)) == (6, True)


def test_an_older_copy_of_the_log_is_found_and_not_brought_up_to_date(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is signed by us and whole, only shorter: whoever saw the later head would call it a fork."""
    registry = site.home.place("registry")
    shutil.copytree(registry, tmp_path / "older")
    log_statement(site, "answer-2")
    shutil.rmtree(registry)
    shutil.copytree(tmp_path / "older", registry)
    for _ in range(2):
        code, said = fsck(site.home.path, capsys)
        assert (code, "registry/checkpoint" in places(said)) == (6, True)


def test_an_older_copy_of_the_registry_is_found(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(site.home.place("registry.db"), tmp_path / "older.db")
    log_statement(site, "answer-2")
    shutil.copy(tmp_path / "older.db", site.home.place("registry.db"))
    for _ in range(2):
        code, said = fsck(site.home.path, capsys)
        assert (code, "registry" in places(said)) == (6, True)


def log_statement(site: Site, receipt: str) -> None:
    """Make the log one answer longer."""
    row = {"question_digest": "5" * 64, "answer": {}, "receipt": receipt, "question": {}, "leaf_index": None}
    digests = {"question": "5" * 64, "answer": digest_json({})}
    draft = draft_record(site, kind="answer", digests=digests, details={}, ref=receipt)
    log_record(site, draft, rows={"answers": [row]})


def test_without_the_vault_nothing_can_be_said(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (copy / "vault.db").unlink()
    assert fsck(copy, capsys)[0] == 7


def test_a_vault_that_lost_people_is_found(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _change(copy, "DELETE FROM subjects WHERE rowid = 1", "vault.db") == 1
    code, said = fsck(copy, capsys)
    assert (code, "unknown to the vault" in places(said)) == (6, True)


def test_an_older_vault_is_found(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _change(copy, "UPDATE counter SET value = 0", "vault.db") == 1
    code, said = fsck(copy, capsys)
    assert (code, "older than the log" in places(said)) == (6, True)


def test_another_log_key_is_found(copy: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The log signed anew by someone with another key: trust file and checkpoint differ from our key's."""
    origin = json.loads((copy / "home.json").read_text())["origin"]
    with closing(sqlite3.connect(copy / "registry.db")) as link:
        entries = [
            entry.encode() for (entry,) in link.execute("SELECT entry FROM entries ORDER BY leaf_index")
        ]
    shutil.rmtree(copy / "registry")
    TileLog(copy / "registry", origin, Signer(origin, b"\x09" * 32)).extend(entries, 0)
    code, said = fsck(copy, capsys)
    assert (code, "registry/checkpoint" in places(said)) == (6, True)


@pytest.mark.parametrize(
    ("table", "key", "change"),
    [
        ("versions", {"table_name": GOLD}, {"rows": 3}),
        ("versions", {"table_name": GOLD}, {"details": {"rows": 3}}),
        ("versions", {"table_name": GOLD}, {"file_digest": "0" * 64}),
        ("versions", {"table_name": GOLD}, {"statements": {}}),
        ("versions", {"table_name": GOLD}, {"statements": {"privacy": {"salt": "00" * 32, "value": {}}}}),
        ("records", {"ref": "answer-1"}, {"statements": {"privacy": {"salt": "00" * 32, "value": {}}}}),
        ("entries", {"leaf_index": 0}, {"entry": "{}"}),
        ("records", {"ref": "decision-1"}, {"inputs": [1]}),
        ("checkpoints", {"size": 1}, {"root": "0" * 64}),
        ("answers", {"receipt": "answer-1"}, {"answer": {"mean": "1.2"}}),
        ("decisions", {"decision_id": "decision-1"}, {"decision": "reject"}),
        ("models", {"name": "pd_screen"}, {"digest": "4" * 64}),
        ("releases", {"release_id": "release-1"}, {"content_digest": "0" * 64}),
    ],
)
def test_a_row_changed_with_the_registry_s_own_key_is_found_by_the_log(
    site: Site, table: str, key: dict[str, object], change: dict[str, object]
) -> None:
    """The broken variant: MACs alone hold, because whoever changed the row had the key."""
    with site.registry.transaction() as tx:
        tx.change(table, key, **change)
    assert site.registry.check() == []
    assert not walk(site, print).clean


def test_a_write_under_way_is_no_damage(site: Site) -> None:
    """Files and a Delta version above the base of an open intent belong to it; below they do not."""
    with site.registry.transaction() as tx:
        tx.add("intents", intent_id="1", state="open", tables=[{"table": GOLD, "base": 0}], payload={})
    folder = site.lake.folder_of(GOLD)
    (folder / "part-new.parquet").write_bytes(b"half")
    (folder / "_delta_log" / f"{1:020d}.json").write_text("{}")
    assert walk(site, print).clean
    (folder / "_delta_log" / f"{0:020d}.json").unlink()
    assert not walk(site, print).clean
