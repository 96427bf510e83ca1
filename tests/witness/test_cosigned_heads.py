"""A site collects cosignatures by its policy: never silently fewer, never twice, nothing lost by a kill."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from witness_processes import WitnessProcess, down, site_file

from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.tile_log import TileLog
from lakehouse.cli.main import run
from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, parse_note
from lakehouse.core.cosignature import keys_in, verify_cosignature
from lakehouse.errors import Damaged, Unavailable
from lakehouse.pipeline import cosign as cosigning
from lakehouse.pipeline.cosign import cosign_by_policy, cosign_head, is_readable, require_cosigned
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.trust_renewal import renew_trust

Home = Callable[..., Site]


def add_leaf(site: Site) -> int:
    """Make the log one decision longer."""
    return log_record(site, draft_record(site, kind="decision", digests={}, details={}, ref="d"))


def cosigners(site: Site) -> list[str]:
    """Return the witnesses whose genuine cosignatures registry/checkpoint carries."""
    note = parse_note(site.log.checkpoint_text())
    keys = keys_in(note, site.log.trust.witnesses)
    assert all(verify_cosignature(note, key, verify_signature) for key in keys)
    assert len(note.signatures) == 1 + len(keys)
    return sorted({key.name for key in keys})


def findings(site: Site) -> list[str]:
    return [found.kind for found in fsck(site, lambda sentence: None).findings]


def test_every_witness_cosigns_with_both_keys(home: Home) -> None:
    site = home()
    add_leaf(site)
    result = cosign_head(site)
    assert (result.size, result.collected, result.missing) == (1, NAMES, ())
    assert result.post_quantum == NAMES
    assert cosigners(site) == list(NAMES)
    assert findings(site) == []


NAMES = ("w1.example", "w2.example", "w3.example")


def test_asked_again_nobody_is_asked(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    site = home()
    add_leaf(site)
    cosign_head(site)
    before = site.log.checkpoint_text()
    asked: list[object] = []
    monkeypatch.setattr(cosigning, "ask_cosignatures", lambda *told: asked.append(told))
    assert cosign_head(site).collected == NAMES
    assert (asked, site.log.checkpoint_text()) == ([], before)


def test_the_next_head_begins_where_each_witness_stood(home: Home, witnesses: list[WitnessProcess]) -> None:
    """One that was down for a head tells its size (409) and is asked again with the path from there."""
    site = home()
    add_leaf(site)
    cosign_head(site)
    with down(witnesses[2]):
        add_leaf(site)
        assert [missing.name for missing in cosign_head(site).missing] == ["w3.example"]
    for _ in range(3):
        add_leaf(site)
    assert cosign_head(site).collected == NAMES


def test_an_older_head_stays_as_the_log_signed_it(home: Home) -> None:
    site = home()
    add_leaf(site)
    cosign_head(site)
    add_leaf(site)
    with site.registry.reading() as tx:
        notes = [parse_note(row["note"]) for row in tx.many("checkpoints")]
        assert tx.count("cosignatures") == 6
    assert [len(note.signatures) for note in notes] == [1, 1]
    assert cosigners(site) == []


def test_two_of_three_are_enough_and_the_third_is_named(home: Home, witnesses: list[WitnessProcess]) -> None:
    site, told = home(when_missing="refuse"), list[str]()
    add_leaf(site)
    with down(witnesses[0]):
        result = cosign_by_policy(site, told.append)
    assert result is not None
    assert (result.satisfied, result.collected) == (True, NAMES[1:])
    assert "w1.example does not answer" in told[0]


@pytest.mark.parametrize(("policy", "code"), [("warn", 0), ("wait", 7), ("refuse", 7)])
def test_with_two_down_the_policy_decides(
    home: Home,
    witnesses: list[WitnessProcess],
    tmp_path: Path,
    policy: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Warn ends with 0 and names who is missing; refuse with 7; wait asks for its seconds, then 7."""
    site = home(when_missing=policy)
    add_leaf(site)
    with down(*witnesses[:2]):
        ended, said, notices = log_cosign(tmp_path, capsys)
        readable = is_readable(site, 0)
    assert ended == code
    told = notices if policy == "warn" else said["error"]["message"]
    assert all(name in told for name in NAMES[:2])
    assert ("waiting for witnesses" in notices) == (policy == "wait")
    assert readable == (policy == "warn")
    assert log_cosign(tmp_path, capsys)[1]["collected"] == list(NAMES)
    assert is_readable(site, 0)


def log_cosign(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any], str]:
    capsys.readouterr()
    options = ["--home", str(folder / "home"), "--site", str(folder / "site.toml"), "--json"]
    code = run(["log", "cosign", *options])
    output = capsys.readouterr()
    return code, json.loads(output.out), output.err


def test_wait_goes_on_as_soon_as_enough_have_come(home: Home, witnesses: list[WitnessProcess]) -> None:
    site, told = home(when_missing="wait", wait_seconds=60), list[str]()
    add_leaf(site)
    for witness in witnesses[:2]:
        witness.kill()

    def back_after(sentence: str) -> None:
        told.append(sentence)
        if len(told) == 1:
            for witness in witnesses[:2]:
                witness.restart()

    result = cosign_by_policy(site, back_after)
    assert result is not None
    assert (result.collected, len(told)) == (NAMES, 1)


def test_no_proof_no_release(home: Home, witnesses: list[WitnessProcess]) -> None:
    site = home(when_missing="refuse")
    leaf = add_leaf(site)
    with pytest.raises(Unavailable, match="has 2 cosignatures") as refused:
        require_cosigned(site, leaf, "gold.x version 0")
    assert "livinglab log cosign" in refused.value.remedy
    cosign_head(site)
    require_cosigned(site, leaf, "gold.x version 0")
    later = add_leaf(site)
    require_cosigned(site, leaf, "gold.x version 0")
    assert not is_readable(site, later)


def test_post_quantum_cosignatures_are_counted_apart(home: Home) -> None:
    site = home(when_missing="refuse", post_quantum=2)
    leaf = add_leaf(site)
    cosign_head(site)
    with site.registry.transaction() as tx:
        for key in site.log.trust.witnesses[2:]:
            if key.algorithm == COSIGNATURE_ML_DSA_44:
                tx.drop("cosignatures", size=1, witness=f"{key.name}+{key.key_id.hex()}")
    assert not is_readable(site, leaf)
    assert cosign_head(site).post_quantum == NAMES


def test_a_kill_between_rows_and_checkpoint_is_mended(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = home()
    add_leaf(site)
    with monkeypatch.context() as patch:
        patch.setattr(TileLog, "cosign", die)
        with pytest.raises(KeyboardInterrupt):
            cosign_head(site)
    assert cosigners(site) == []
    assert findings(home()) == []
    assert cosigners(site) == list(NAMES)


def test_a_kill_while_the_checkpoint_is_written_leaves_no_file_behind(home: Home) -> None:
    """The file beside it that was never renamed is gone after the replay, before the log grows again."""
    site = home()
    add_leaf(site)
    cosign_head(site)
    bare, half = site.log.signed_head().render(), site.home.place("registry", ".checkpoint.0badcafe.new")
    site.home.place("registry", "checkpoint").write_text(bare)
    half.write_text(bare[:9])
    assert findings(home()) == []
    assert not half.exists()
    assert cosigners(site) == list(NAMES)


def die(*told: object) -> None:
    raise KeyboardInterrupt


def test_a_cosignature_that_is_not_genuine_is_not_kept(
    home: Home, witnesses: list[WitnessProcess], tmp_path: Path, open_home: Home
) -> None:
    """The site file gives w1 the keys of another: what it answers is nobody's."""
    site = home()
    file = site_file(tmp_path, witnesses)
    file.write_text(file.read_text().replace(witnesses[0].url, witnesses[1].url))
    swapped = open_home("home", site_file=file)
    add_leaf(swapped)
    result = cosign_head(swapped)
    assert result.collected == NAMES[1:]
    assert "no cosignature of the keys" in result.missing[0].why
    assert site.home == swapped.home


def test_a_log_that_was_rolled_back_is_damaged(
    home: Home, tmp_path: Path, witnesses: list[WitnessProcess]
) -> None:
    """The home restored from an old copy, registry.db and registry/ alike: witnesses have seen more."""
    site = home()
    add_leaf(site)
    shutil.copytree(tmp_path / "home", tmp_path / "old")
    add_leaf(site)
    cosign_head(site)
    shutil.rmtree(tmp_path / "home")
    shutil.move(tmp_path / "old", tmp_path / "home")
    restored = home()
    with pytest.raises(Damaged, match="has cosigned 2 leaves, this log has 1"):
        cosign_head(restored)


def test_another_demand_needs_another_trust_file(home: Home) -> None:
    site = home(cosignatures=1)
    add_leaf(site)
    cosign_head(site)
    stricter = home(cosignatures=2)
    assert findings(stricter) == ["log file changed"]
    renewal = renew_trust(stricter)
    assert (renewal.leaf, renewal.repeated) == (1, False)
    assert renew_trust(stricter).repeated
    cosign_head(stricter)
    assert findings(home(cosignatures=2)) == []


def test_a_cosignature_changed_or_moved_with_the_registry_s_key_is_found(home: Home) -> None:
    site = home()
    add_leaf(site)
    cosign_head(site)
    add_leaf(site)
    cosign_head(site)
    with site.registry.transaction() as tx:
        row = tx.many("cosignatures", size=1)[0]
        tx.change("cosignatures", {"size": 2, "witness": row["witness"]}, line=row["line"])
    assert "cosignature is not genuine" in findings(site)


def test_fewer_cosignatures_than_demanded_are_found(home: Home) -> None:
    site = home()
    add_leaf(site)
    assert findings(site) == [
        "newest head has fewer cosignatures than 2 (0 of ML-DSA-44): livinglab log cosign"
    ]
