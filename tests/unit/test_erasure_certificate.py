"""A proof of erasure: what was removed, that the log goes on from before, and that old proofs still hold."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from home_samples import BRONZE, GOLD, make_home

from lakehouse.adapters.signatures import verify_signature
from lakehouse.cli.main import run
from lakehouse.core.bundle import parse_bundle
from lakehouse.core.checkpoint import parse_checkpoint
from lakehouse.core.erasure import ErasedTable, ErasureCertificate, PendingPlace
from lakehouse.core.merkle import verify_consistency
from lakehouse.core.privacy_statement import ERASURE
from lakehouse.core.verification import verify_bundle
from lakehouse.errors import NotVerified, WrongUse
from lakehouse.pipeline.fsck import fsck
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.site import Site

CERTIFICATE = ErasureCertificate(
    tables=(ErasedTable(table="bronze.gait_people", before=1, after=2),),
    vault_before=3,
    vault_after=4,
    scanned=("lake", "registry", "reports"),
    hits=0,
    pending=(PendingPlace(place="backups", deadline="2026-12-22T00:00:00Z"),),
    erased_at="2026-11-22T12:00:00Z",
)


def failed(site: Site, document: bytes) -> list[str]:
    checks = verify_bundle(document, site.log.trust, verify_signature).checks
    return [check.name for check in checks if not check.ok]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("erasure")


@pytest.fixture(scope="module")
def site(place: Path) -> Iterator[Site]:
    """A home with proofs of everything in it, and then an erasure."""
    with pytest.MonkeyPatch.context() as patch:
        site = make_home(place, patch)
        for number, what in enumerate((GOLD, BRONZE, "answer-1", "pd_screen")):
            (place / f"old-{number}").write_bytes(prove(site, what).bundle)
        statements = {ERASURE: CERTIFICATE.as_statement()}
        draft = draft_record(
            site, kind="erasure", digests={}, details={}, ref="erasure-1", statements=statements
        )
        log_record(site, draft)
        yield site


def test_an_outsider_verifies_the_certificate(
    site: Site, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["prove", "erasure-1", "-o", str(place / "erasure.json")]) == 0
    assert run(["trust", "-o", str(place / "trust.json")]) == 0
    capsys.readouterr()
    assert run(["verify", str(place / "erasure.json"), "--trust", str(place / "trust.json"), "--json"]) == 0
    bundle = parse_bundle((place / "erasure.json").read_bytes())
    assert ErasureCertificate.of_statement(bundle.statements[ERASURE].value) == CERTIFICATE
    assert fsck(site, print).clean


def test_proofs_from_before_still_hold_and_their_log_is_a_beginning_of_this_one(
    site: Site, place: Path
) -> None:
    erased = parse_bundle(prove(site, "erasure-1").bundle)
    now = parse_checkpoint(erased.proof.checkpoint.text)
    assert erased.before is not None
    for number in range(4):
        old = (place / f"old-{number}").read_bytes()
        assert failed(site, old) == []
        then = parse_checkpoint(parse_bundle(old).proof.checkpoint.text)
        assert then == parse_checkpoint(erased.before.checkpoint.text)
        verify_consistency(then.size, now.size, erased.before.path, then.root, now.root)


def test_without_a_head_from_before_or_without_its_certificate_it_is_refused(site: Site) -> None:
    """The broken variant: a log begun anew after the erasure has nothing before it to show."""
    whole = parse_bundle(prove(site, "erasure-1").bundle)
    assert failed(site, replace(whole, before=None).render()) == ["consistency"]
    assert failed(site, replace(whole, statements={}).render()) == ["statements"]
    later = replace(whole.statements[ERASURE], value={**CERTIFICATE.as_statement(), "pending": []})
    assert failed(site, replace(whole, statements={ERASURE: later}).render()) == ["statements"]


def test_what_is_not_done_yet_is_not_called_complete() -> None:
    assert not CERTIFICATE.complete
    assert replace(CERTIFICATE, pending=()).complete
    assert not replace(CERTIFICATE, pending=(), hits=1).complete


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"tables": (ErasedTable(table="GaPt03", before=1, after=2),)}, "layer.table"),
        ({"tables": (ErasedTable(table="bronze.x", before=2, after=2),)}, "not later"),
        ({"tables": (ErasedTable(table="bronze.x", before=1, after=2),) * 2}, "twice"),
        ({"vault_after": 3}, "no key was destroyed"),
        ({"vault_after": True}, "whole number"),
        ({"scanned": ()}, "none was scanned"),
        ({"scanned": ("GaPt03_01.txt",)}, "plain name"),
        ({"pending": (PendingPlace(place="backups", deadline="soon"),)}, "RFC 3339"),
    ],
)
def test_a_certificate_says_only_what_it_may(change: dict[str, object], why: str) -> None:
    with pytest.raises(WrongUse, match=why):
        replace(CERTIFICATE, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value.update(person="GaPt03"),
        lambda value: value["tables"][0].update(subject="x"),
        lambda value: value.pop("scan"),
        lambda value: value.update(tables=7),
        lambda value: value["key_destroyed"].update(vault_after=0),
        lambda value: value.update(schema="livinglab/erasure/v2"),
    ],
)
def test_a_statement_of_another_form_is_no_certificate(change: Callable[[dict[str, object]], object]) -> None:
    value = json.loads(json.dumps(CERTIFICATE.as_statement()))
    change(value)
    with pytest.raises(NotVerified):
        ErasureCertificate.of_statement(value)
