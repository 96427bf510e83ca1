"""The one-file verifier says what `livinglab verify` says, of sound documents and of changed ones."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from changed_documents import changed
from sample_documents import (
    authority_of,
    checkpoint_digest,
    sound_documents,
    stamped_bundle,
    trust_files,
    trust_with,
    vector_documents,
)
from token_variants import TOKEN_VARIANTS
from two_verifiers import Said, disagree, load_verifier, said_by_file, said_by_platform

from lakehouse.adapters.signatures import WitnessSigner
from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, COSIGNATURE_V1, VerifierKey

CHANGED_DOCUMENTS = 10_000
CHANGED_TRUST_FILES = 1_500
VERIFIER = load_verifier()


@cache
def changed_samples() -> tuple[tuple[bytes, bytes, Said], ...]:
    """Return changed documents (none as it was) with their trust files and what the platform says."""
    samples = sound_documents()
    made = changed([document for _, document, _ in samples], CHANGED_DOCUMENTS * 5 // 4, seed=20261122)
    pairs = [(data, samples[place][2]) for place, data in made if data != samples[place][1]][
        :CHANGED_DOCUMENTS
    ]
    return tuple((data, trust, said_by_platform(data, trust)) for data, trust in pairs)


def first_difference(verifier: ModuleType) -> int | None:
    """Return the number of the first changed document of which `verifier` says something else."""
    for number, (data, trust, said) in enumerate(changed_samples()):
        if is_another(said, said_by_file(verifier, data, trust)):
            return number
    return None


def is_another(said: Said, other: Said) -> bool:
    """Say whether two verdicts differ; where neither can read the document, both say only that."""
    unreadable = said and other and not (said[1]["schema"] or other[1]["schema"])
    return said != other and not unreadable


@pytest.mark.parametrize(
    ("name", "data", "trust"), sound_documents(), ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_sound_document_of_every_kind_verifies_with_both(name: str, data: bytes, trust: bytes) -> None:
    said = said_by_file(VERIFIER, data, trust)
    assert said == said_by_platform(data, trust)
    assert said is not None and said[0], said


@pytest.mark.parametrize(
    ("name", "data", "trust"),
    [*vector_documents(), *trust_files()],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_both_agree_on_every_vector(name: str, data: bytes, trust: bytes) -> None:
    assert not disagree(VERIFIER, data, trust)


def test_both_agree_on_ten_thousand_changed_documents() -> None:
    """Bits, bytes, fields, paths, lines, spellings, signatures; each step is reached and fails somewhere."""
    samples = changed_samples()
    assert len(samples) == CHANGED_DOCUMENTS
    assert first_difference(VERIFIER) is None
    readable = [said for _, _, said in samples if said is not None and said[1]["schema"]]
    failing = {step for said in readable for step, holds in said[1].items() if not holds}
    assert failing == {*VERIFIER.STEPS, "signatures", "contradiction"} - {"schema", "data"}


def test_no_changed_record_verifies() -> None:
    """A changed bundle that still verifies left out what nobody signed; its record is a logged one."""
    verified = [data for data, _, said in changed_samples() if said is not None and said[0]]
    logged = [_record_of(data) for _, data, _ in sound_documents()]
    assert all(_record_of(data) in logged for data in verified)


def _record_of(data: bytes) -> Any:
    return json.loads(data).get("record") if data.startswith(b"{") else None


def test_both_agree_on_changed_trust_files() -> None:
    signed = [sample for sample in sound_documents() if sample[0] in ("quorum", "time-stamped", "cosigned")]
    made = changed([trust for _, _, trust in signed], CHANGED_TRUST_FILES, seed=7)
    different = [place for place, trust in made if disagree(VERIFIER, signed[place][1], trust)]
    assert different == []


def test_both_refuse_two_keys_of_a_witness_with_one_id() -> None:
    """Broken: the file kept one key of each id, and verified what the platform refused."""
    name = "witness.example/w1"
    quantum = WitnessSigner(name, b"\x41" * 32, COSIGNATURE_ML_DSA_44).key
    searched = hashlib.sha256(b"19081506").digest()
    twin = VerifierKey(name=name, algorithm=COSIGNATURE_V1, public=searched)
    assert twin.key_id == quantum.key_id
    _, document, trust = sound_documents()[0]
    shared = {**json.loads(trust), "witnesses": [twin.render(), quantum.render()]}
    alone = {**shared, "witnesses": [quantum.render()]}
    assert said_by_file(VERIFIER, document, canonical_json(alone) + b"\n") is not None
    assert said_by_file(VERIFIER, document, canonical_json(shared) + b"\n") is None
    assert said_by_platform(document, canonical_json(shared) + b"\n") is None


def _without(name: str) -> Callable[[ModuleType], None]:
    return lambda module: setattr(module, name, lambda *_: None)


def _without_method(owner: str, name: str) -> Callable[[ModuleType], None]:
    return lambda module: setattr(getattr(module, owner), name, lambda self, *_: self)


def _any_spelling(module: ModuleType) -> None:
    module.canonical = lambda value, depth=0: json.dumps(
        value, ensure_ascii=False, separators=(",", ":")
    ).encode()


def _old_side_only(module: ModuleType) -> None:
    whole = module.climb
    module.climb = lambda place, last, nodes: (whole(place, last, nodes)[0], nodes[0])


BROKEN: dict[str, Callable[[ModuleType], None]] = {
    "no consistency": _without("check_consistency"),
    "no inclusion": _without("check_inclusion"),
    "no openings": _without("check_opened"),
    "no time stamps": _without("check_stamp"),
    "no log signature": _without_method("Note", "check_log"),
    "no cosignatures": _without_method("Note", "check_signers"),
    "no signatures": _without_method("Key", "check"),
    "any order of keys": _any_spelling,
    "half a consistency proof": _old_side_only,
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_the_comparison_finds_a_broken_verifier(name: str) -> None:
    broken = load_verifier()
    BROKEN[name](broken)
    assert first_difference(broken) is not None


@pytest.mark.parametrize("kind", ["rsa", "p256"])
def test_both_agree_on_tokens_that_an_authority_made_otherwise(kind: str) -> None:
    from forged_tokens import Forgery

    authority = authority_of(kind)
    trust = trust_with(authority, time_stamps=1).render().encode()
    good = Forgery(authority=authority, digest=checkpoint_digest())
    verdicts = {}
    for name, parts in TOKEN_VARIANTS.items():
        data = stamped_bundle(replace(good, **parts)).render()
        said = said_by_platform(data, trust)
        assert said_by_file(VERIFIER, data, trust) == said, name
        verdicts[name] = said is not None and said[0]
    accepted = {name for name, verified in verdicts.items() if verified}
    assert accepted == {
        "as it should be",
        "a fraction of a second",
        "accuracy, order, nonce, name",
        "a hash without NULL",
        "a time of signing",
    }


@pytest.mark.parametrize("kind", ["p256"])
def test_both_refuse_a_token_with_any_byte_changed(kind: str) -> None:
    from forged_tokens import Forgery

    authority = authority_of(kind)
    trust = trust_with(authority).render().encode()
    bundle = stamped_bundle(Forgery(authority=authority, digest=checkpoint_digest()))
    (stamp,) = bundle.time_stamps
    for place in range(len(stamp.token)):
        token = bytearray(stamp.token)
        token[place] ^= 1 << place % 8
        data = replace(bundle, time_stamps=(replace(stamp, token=bytes(token)),)).render()
        said = said_by_file(VERIFIER, data, trust)
        assert said == said_by_platform(data, trust), place
        assert said is not None and not said[1]["time stamps"], place


def test_a_certificate_with_any_byte_changed_is_no_authority_of_the_token() -> None:
    """Also certificates that no parser reads: each is refused, none ends in an error of its own."""
    name, data, trust = next(sample for sample in sound_documents() if sample[0] == "time-stamped")
    fields = json.loads(trust)
    certificate = bytearray(base64.b64decode(fields["authorities"][0]["certificate"]))
    for place in range(len(certificate)):
        changed_one = bytearray(certificate)
        changed_one[place] ^= 1 << place % 8
        fields["authorities"][0]["certificate"] = base64.b64encode(changed_one).decode()
        said = said_by_file(VERIFIER, data, canonical_json(fields) + b"\n")
        assert said is not None and not said[1]["time stamps"], (name, place)
