"""Consents: rounded counts for the outsider, row by row for the auditor, one root for both."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from home_samples import make_home

from lakehouse.adapters.signatures import verify_signature
from lakehouse.cli.main import run
from lakehouse.core.bundle import OpenedDetails, parse_bundle
from lakehouse.core.consent import commit_permission, permissions_root
from lakehouse.core.consent_opening import check_consents
from lakehouse.core.opening import OpenedConsent, Opening
from lakehouse.core.privacy_statement import CONSENTS
from lakehouse.core.verification import verify_bundle
from lakehouse.errors import Damaged, NotVerified
from lakehouse.pipeline.consents import consent_coverage, state_consents
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.prove import open_leaf, prove
from lakehouse.pipeline.site import Site

PEOPLE = [f"GaPt{number:02}" for number in range(1, 9)]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("consents")


@pytest.fixture(scope="module")
def site(place: Path) -> Iterator[Site]:
    """A home with one answer about eight people whom the policy's default permits."""
    with pytest.MonkeyPatch.context() as patch:
        site = make_home(place, patch)
        log_answer(site, "answer-9")
        yield site


def log_answer(site: Site, receipt: str) -> int:
    people = site.vault.subjects_for("gaitpdb", PEOPLE).values()
    coverage = consent_coverage(site, people, "research")
    stated = {CONSENTS: state_consents(site, coverage)}
    draft = draft_record(
        site,
        kind="answer",
        digests={},
        details={},
        ref=receipt,
        consent_root=coverage.root,
        statements=stated,
    )
    return log_record(site, draft)


def opened(site: Site) -> tuple[Opening, bytes]:
    proof = prove(site, "answer-9")
    return open_leaf(site, proof.leaf), proof.bundle


def test_the_outsider_sees_the_root_the_basis_and_rounded_counts(site: Site) -> None:
    stated = parse_bundle(opened(site)[1]).statements[CONSENTS].value
    assert (stated["purpose"], stated["permitted"], stated["by_record"], stated["denied"]) == (
        "research", 10, 0, 0,
    )  # fmt: skip
    assert stated["legal_basis"].startswith("GDPR Art. 9(2)(j)")
    assert stated["records"] is None


def test_the_auditor_recomputes_the_root_row_by_row(site: Site, place: Path) -> None:
    opening, bundle = opened(site)
    assert opening.consents is not None and len(opening.consents) == 8
    assert {one.basis for one in opening.consents} == {"policy"}
    said = check_consents(parse_bundle(bundle), opening.consents)
    assert said.startswith("8 people permitted research")
    files = ["-o", str(place / "a"), "--opening", str(place / "a.open")]
    assert run(["prove", "answer-9", *files]) == 0
    assert run(["trust", "-o", str(place / "t")]) == 0
    assert (
        run(["verify", str(place / "a"), "--trust", str(place / "t"), "--opening", str(place / "a.open")])
        == 0
    )
    assert run(["prove", "answer-9", *files, "--as", "analyst"]) == 4


def test_the_bundle_names_no_pseudonym(site: Site) -> None:
    opening, bundle = opened(site)
    assert not any(one.pseudonym.encode() in bundle for one in opening.consents or ())


@pytest.mark.parametrize("change", ["one person less", "one more", "another basis", "another nonce"])
def test_consents_that_are_not_those_of_the_record_are_not_verified(site: Site, change: str) -> None:
    opening, bundle = opened(site)
    first, *others = opening.consents or ()
    stranger = OpenedConsent(pseudonym="0" * 32, basis="record", nonce=b"\x01" * 32)
    changed = {
        "one person less": others,
        "one more": [first, *others, stranger],
        "another basis": [replace(first, basis="record"), *others],
        "another nonce": [replace(first, nonce=b"\x01" * 32), *others],
    }[change]
    with pytest.raises(NotVerified, match="not those of the record"):
        check_consents(parse_bundle(bundle), tuple(changed))


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("purpose", "commercial", "for another purpose"),
        ("valid_at", "2999-01-01T00:00:00Z", "after the record"),
        ("permitted", 5, "counts"),
        ("purpose", "research\x1b[2J", "no purpose"),
        ("purpose", 7, "no purpose"),
        ("valid_at", "then", "no moment"),
        ("rounded_to", 0, "rounding"),
        ("rounded_to", True, "rounding"),
        ("root", "0" * 64, "not those of the record"),
    ],
)
def test_a_statement_that_says_otherwise_is_found_out(site: Site, name: str, value: object, why: str) -> None:
    opening, data = opened(site)
    bundle = parse_bundle(data)
    stated = bundle.statements[CONSENTS]
    lying = OpenedDetails(value={**stated.value, name: value}, salt=stated.salt)
    doctored = replace(bundle, statements={CONSENTS: lying})
    assert not verify_bundle(doctored.render(), site.log.trust, verify_signature).verified
    with pytest.raises(NotVerified, match=why):
        check_consents(doctored, opening.consents or ())


def test_without_its_statement_a_bundle_shows_no_consents(site: Site) -> None:
    opening, _ = opened(site)
    with pytest.raises(NotVerified, match="holds no statement"):
        check_consents(parse_bundle(prove(site, "answer-9", existence=True).bundle), opening.consents or ())


def test_equal_consents_give_an_equal_root_and_purposes_do_not_mix(site: Site) -> None:
    people = site.vault.subjects_for("gaitpdb", PEOPLE).values()
    first, again = (consent_coverage(site, people, "research").root for _ in range(2))
    assert first == again
    nonces = {one.pseudonym: one.nonce for one in opened(site)[0].consents or ()}
    other = permissions_root(commit_permission(n, "commercial", p, "policy") for p, n in nonces.items())
    assert other != first


def confirmed(nonce: bytes, commitments: set[bytes], guesses: list[str]) -> int:
    """Return how many guessed people one nonce confirms."""
    return sum(commit_permission(nonce, "research", name, "policy") in commitments for name in guesses)


def test_one_person_s_nonce_confirms_one_person(site: Site) -> None:
    """The broken variant is one nonce for all: who is shown one person's consent tests all the others."""
    opened_rows = opening_rows(site)
    names = [one.pseudonym for one in opened_rows]
    own = {commit_permission(one.nonce, "research", one.pseudonym, one.basis) for one in opened_rows}
    shared = {commit_permission(b"\0" * 32, "research", name, "policy") for name in names}
    assert confirmed(opened_rows[0].nonce, own, names) == 1
    assert confirmed(b"\0" * 32, shared, names) == len(names)


def opening_rows(site: Site) -> tuple[OpenedConsent, ...]:
    return opened(site)[0].consents or ()


def test_a_vault_that_forgot_who_was_permitted_is_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_home(tmp_path, monkeypatch)
    leaf = log_answer(site, "answer-9")
    root = str(parse_bundle(prove(site, "answer-9").bundle).record.consent_root)
    site.vault.remember_cells(f"consents/research/{root}", {})
    with pytest.raises(Damaged, match="does not give"):
        open_leaf(site, leaf)
