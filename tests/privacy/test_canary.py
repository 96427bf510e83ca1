"""A planted person is nowhere outside sealed bytes: lake, registry, Airflow, logs, reports, output.

Invariants 1, 4 and 5 of ARCHITECTURE section 6. What is searched for has a spelling in hex, base64 and
UTF-16 too; Parquet, SQLite and compressed files are opened.
"""

import base64
import gzip
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from canary_person import NAME, TOKENS, write_canary_source
from canary_scan import Scanner, spellings

from lakehouse.adapters.bronze_rows import bronze_rows
from lakehouse.pipeline import land as landing
from lakehouse.pipeline import landing_rows
from lakehouse.pipeline.person_receipt import prove_rows
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.site import Site

SELECT = "SELECT * FROM gold.gait_people_open"
COMMANDS = (
    *(name.split() for name in ("status", "tables", "budget", "releases", "log", "fsck")),
    *(["quarantine", name] for name in ("ehr", "clinic_notes", "gait_people", "gait_walks", "consents")),
    ["describe", "silver.clinic_notes"],
    ["models", "show", "pd_screen"],
    ["status", "--metrics"],
    ["lineage", "replay", "-o", "{home}/reports/lineage.ndjson"],
    ["report", "silver.clinic_notes", "-o", "{home}/reports"],
    ["report", "bronze.ehr", "-o", "{home}/reports"],
    ["prove", "silver.patients", "-o", "{home}/reports/patients.json"],
    ["query", SELECT, "--purpose", "research", "--output", "{home}/reports/gait.json"],
)
RUN_ALL = """
import json, sys
from lakehouse.cli.main import run
for command in json.loads(sys.argv[1]):
    print("===", run(command), flush=True)
"""
KEYS = ("wrapping.key", "index.key", "log.key")


@dataclass
class Watch:
    """What was said: output of commands, and command lines and environments of all our processes."""

    said: list[bytes] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def run(self, home: Path, *program: str) -> subprocess.CompletedProcess[bytes]:
        """Run a program with Python, looking at every process while it runs."""
        environment = {**os.environ, "LIVINGLAB_HOME": str(home), "LIVINGLAB_KEYS": str(home.parent / "keys")}
        command = [sys.executable, *program]
        done = threading.Event()
        looker = threading.Thread(target=self._look, args=(done,))
        looker.start()
        try:
            ended = subprocess.run(command, env=environment, capture_output=True, check=False)
        finally:
            done.set()
            looker.join()
        self.said += [ended.stdout, ended.stderr]
        return ended

    def _look(self, done: threading.Event) -> None:
        while not done.wait(0.3):
            for process in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((process / name).read_bytes())
                    except OSError:
                        continue


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, watch: Watch) -> Path:
    """A home after the main job and every command that shows something."""
    folder = tmp_path_factory.mktemp("planted")
    write_canary_source(folder / "source")
    home = folder / "home"
    ended = watch.run(home, "-m", "lakehouse", "--json", "demo", "--source", str(folder / "source"))
    assert ended.returncode == 0, ended.stderr[-2000:]
    commands = [[word.format(home=home) for word in command] for command in COMMANDS]
    shown = watch.run(home, "-c", RUN_ALL, json.dumps(commands))
    assert shown.stdout.count(b"=== ") == len(COMMANDS), shown.stderr[-2000:]
    return home


@pytest.fixture(scope="module")
def batches(home: Path, watch: Watch) -> dict[str, dict[str, object]]:
    del home
    return {batch["dataset"]: batch for batch in json.loads(watch.said[0])["batches"]}


@pytest.mark.spark
@pytest.mark.airflow
@pytest.mark.journey
class TestWholeHome:
    """The main job on a source with the person in it."""

    def test_the_person_was_taken_in_and_the_bad_rows_set_aside(self, batches: dict[str, dict]) -> None:
        reasons = {name: set(batch["reasons"]) for name, batch in batches.items()}
        assert reasons["ehr"] >= {"broken_reference", "not_in_contract"}
        assert reasons["clinic_notes"] >= {"no_person", "invalid_json", "bad_encoding"}
        assert reasons["gait_people"] >= {"id_not_canonical"}
        assert all(b["accepted"] + b["quarantined"] == b["received"] for b in batches.values())

    def test_no_token_is_in_the_home(self, home: Path) -> None:
        assert Scanner(TOKENS).in_folder(home) == set()

    def test_no_token_was_said(self, watch: Watch, home: Path) -> None:
        del home
        found = [Scanner(TOKENS).in_bytes(said, f"output {number}") for number, said in enumerate(watch.said)]
        assert set().union(*found) == set()

    def test_no_key_left_its_folder(self, watch: Watch, home: Path) -> None:
        folder = next((home.parent / "keys").iterdir())
        keys = {name: (folder / name).read_bytes() for name in KEYS}
        assert all(len(key) >= 32 for key in keys.values())
        scanner = Scanner(keys)
        outside = [scanner.in_bytes(seen, "a process") for seen in (*watch.seen, *watch.said)]
        assert scanner.in_folder(home) | set().union(*outside) == set()

    def test_delta_keeps_no_value_in_statistics_or_paths(self, home: Path) -> None:
        """Invariant 5: statistics may exist on columns that identify nobody; here there are none."""
        commits = sorted((home / "lake").rglob("_delta_log/*.json"))
        actions = [json.loads(line) for commit in commits for line in commit.read_text().splitlines()]
        added = [action["add"] for action in actions if "add" in action]
        assert len(added) >= 10
        for add in added:
            assert not {"minValues", "maxValues"} & json.loads(add.get("stats") or "{}").keys()
            assert add["partitionValues"] == {}
        assert {a["commitInfo"]["operation"] for a in actions if "commitInfo" in a} == {"WRITE"}

    def test_no_proof_names_the_person_or_anybody(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Bundles of every leaf, statements included: no token, and no pseudonym of anybody."""
        site = opened(home, monkeypatch)
        with site.registry.reading() as tx:
            refs = [row["ref"] for row in tx.many("entries")]
            leaves = [row["leaves"] for row in tx.many("leaf_shards")]
        names = {name for shard in leaves for people in shard.values() for name in people} - {""}
        own = prove_rows(site, "silver.patients", TOKENS["FHIR id"], "fhir")[0]
        bundles = {
            "own": own.proof.bundle,
            **{ref.replace("/", "-"): prove(site, ref).bundle for ref in refs},
        }
        for name, bundle in bundles.items():
            (tmp_path / name).write_bytes(bundle)
        stated = [bundle for bundle in bundles.values() if b'"livinglab/privacy/v1"' in bundle]
        assert len(bundles) > 15 and stated and len(names) >= 8
        assert Scanner(TOKENS).in_folder(tmp_path) == set()
        assert not any(name.encode() in bundle for bundle in bundles.values() for name in names)
        assert any(name.encode() in own.rows for name in names), (
            "the person's own file names them to themselves"
        )

    def test_no_opening_and_nobody_s_rows_lie_where_others_read(self, home: Path) -> None:
        shared = [home / "registry", home / "reports", home / "landing", home / "airflow"]
        files = [path for folder in shared for path in folder.rglob("*") if path.is_file()]
        private = (b"livinglab/opening/v1", b"livinglab/rows/v1")
        assert len(files) > 10
        assert not [path for path in files if any(word in path.read_bytes() for word in private)]

    def test_one_word_more_in_the_log_would_be_found(self, home: Path) -> None:
        """The positive control on the very home that was found clean."""
        log = next((home / "airflow").rglob("*.log"))
        whole = log.read_bytes()
        log.write_bytes(whole + f"row: {NAME.upper()}".encode())
        try:
            assert {hit.token for hit in Scanner(TOKENS).in_folder(home)} == {"family name"}
        finally:
            log.write_bytes(whole)


def opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Open the home in this process."""
    from lakehouse.sites import open_site

    monkeypatch.setenv("LIVINGLAB_KEYS", str(home.parent / "keys"))
    return open_site(None, home)


@pytest.mark.spark
def test_a_landing_that_does_not_seal_is_caught(
    open_home: Callable[..., Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken variant: sealed columns hold what they should hide."""
    write_canary_source(tmp_path / "source")

    def without_sealing(contract, file, people, number):  # type: ignore[no-untyped-def]
        rows = bronze_rows(contract, file, people, number)
        place = rows.schema.get_field_index("text__sealed")
        plain = file.found.rows.column("text").cast(pa.binary())
        return rows.set_column(place, "text__sealed", plain.combine_chunks())

    monkeypatch.setattr(landing_rows, "bronze_rows", without_sealing)
    site = open_home()
    landing.land(site, "clinic_notes", [tmp_path / "source" / "clinic_notes" / "notes.jsonl"])
    found = {hit.token for hit in Scanner(TOKENS).in_folder(site.home.path)}
    assert found >= {"family name", "record number", "phone"}
    assert "undeclared column" not in found


def hidden(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield files that hold the name in one form each."""
    text = f"before {NAME} after"
    forms = {
        "plain.txt": text.upper().encode(),
        "hex.txt": text.encode().hex().encode(),
        "utf16.bin": text.encode("utf-16-le"),
        "utf16be.bin": text.encode("utf-16-be"),
        "packed.gz": gzip.compress(text.encode()),
    }
    forms |= {f"base64-{shift}": base64.b64encode(b"x" * shift + text.encode()) for shift in range(3)}
    forms |= {"urlsafe": base64.urlsafe_b64encode(b"\xfb\xff" + NAME.encode())}
    for name, content in forms.items():
        (folder / name).write_bytes(content)
        yield name, folder / name
    for compression in ("snappy", "zstd"):
        path = folder / f"{compression}.parquet"
        pq.write_table(pa.table({"n": [1, 2], "b": [b"", NAME.encode()]}), path, compression=compression)
        yield path.name, path


def test_the_search_finds_every_form(tmp_path: Path) -> None:
    """The positive control of the search itself: each hidden form is named, and nothing else."""
    forms = dict(hidden(tmp_path))
    found = {hit.place.partition(" > ")[0] for hit in Scanner({"name": NAME}).in_folder(tmp_path)}
    assert found == set(forms)
    assert Scanner({"name": "Nobodyhere"}).in_folder(tmp_path) == set()
    assert len(set(spellings(NAME))) >= 8


def test_the_planted_person_is_in_every_source(tmp_path: Path) -> None:
    """Every token stands in the input: a token that was never planted would prove nothing."""
    write_canary_source(tmp_path)
    text = "\n".join(f"{path.name}\n{path.read_bytes().decode('latin-1')}" for path in tmp_path.rglob("*.*"))
    missing = [name for name, token in TOKENS.items() if token not in text and name != "phone in digits"]
    assert missing == []
