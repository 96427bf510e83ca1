"""Sound documents of every kind with their trust files, and the vectors, sound or not."""

import hashlib
import json
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "unit"), str(TESTS / "anchors")]

from forged_tokens import Forgery  # noqa: E402  tokens of a local key
from local_authority import LocalAuthority, make_certificate, make_key  # noqa: E402
from misbehaviour_samples import FORK, REWRITE  # noqa: E402
from proof_samples import (  # noqa: E402  the samples that the unit tests use
    CERTIFICATE,
    QUANTUM,
    QUORUM_TRUST,
    SALT,
    SECOND,
    STATEMENT,
    TRUST,
    WITNESS,
    content_leaf,
    erasure_record,
    sample_bundle,
    sample_record,
    stated_record,
)

from lakehouse.core.bundle import OpenedDetails, ProofBundle, TimeStamp  # noqa: E402
from lakehouse.core.digests import commit_details  # noqa: E402
from lakehouse.core.paper import write_paper  # noqa: E402
from lakehouse.core.trust import Authority, Trust  # noqa: E402

Document = tuple[str, bytes, bytes]
"""Name, bytes of the document, bytes of the trust file."""

TIME_STAMP_KEYS = ("rsa", "p256", "p384")
NESTED = {"\U0001f600": [1, -5, 2**53 - 1, {"é": [[], {}, None]}], "\ufb33": '\u2028"\\/\x7f', "": True}
"""Details in which all that canonical JSON must get right stands."""


@cache
def sound_documents() -> tuple[Document, ...]:
    """Return one sound document of every kind that a stranger may be handed."""
    bundles = {name: (bundle.render(), TRUST) for name, bundle in _records().items()}
    bundles |= {name: (bundle.render(), trust) for name, (bundle, trust) in _signed().items()}
    bundles |= {"a fork": (FORK.render(), TRUST), "a rewritten log": (REWRITE.render(), TRUST)}
    papers = {
        f"{name}, on paper": (_on_paper(bundles[name][0]), bundles[name][1]) for name in ("write", "quorum")
    }
    return tuple(
        (name, data, trust.render().encode()) for name, (data, trust) in {**bundles, **papers}.items()
    )


@cache
def vector_documents() -> tuple[Document, ...]:
    """Return the bundles and the evidence of the vectors, sound or not."""
    bundles = json.loads((TESTS / "vectors" / "bundles.json").read_text())
    evidence = json.loads((TESTS / "vectors" / "misbehaviour.json").read_text())
    named = [(case["name"], case["bundle"], case["trust"]) for case in bundles]
    named += [(case["name"], case["evidence"], case["trust"]) for case in evidence]
    return tuple((name, document.encode(), trust.encode()) for name, document, trust in named)


def trust_files() -> tuple[Document, ...]:
    """Return the trust files of the vectors, each beside a bundle."""
    cases = json.loads((TESTS / "vectors" / "trust.json").read_text())
    bundle = sample_bundle().render()
    return tuple((case["name"], bundle, case["trust"].encode()) for case in cases)


def authority_of(kind: str) -> LocalAuthority:
    """Return an authority with a new key of this kind."""
    key, root_key, name = make_key(kind), make_key("p256"), f"{kind}.example"
    root = make_certificate("root.example", root_key, "root.example", root_key, authority=True)
    certificate = make_certificate(name, key, "root.example", root_key)
    return LocalAuthority(folder=TESTS, name=name, key=key, certificate=certificate, root=root)


def stamped_bundle(*forgeries: Forgery) -> ProofBundle:
    """Return a bundle with the tokens of these forgeries, each over the bundle's checkpoint."""
    bundle = sample_bundle()
    stamps = tuple(TimeStamp(authority=one.authority.name, token=one.token()) for one in forgeries)
    return replace(bundle, time_stamps=stamps)


def checkpoint_digest() -> bytes:
    """Return what an authority stamps of `stamped_bundle`."""
    return hashlib.sha256(sample_bundle().proof.checkpoint.text.encode()).digest()


def trust_with(*authorities: LocalAuthority, time_stamps: int = 0) -> Trust:
    """Return a trust file that names these authorities."""
    named = tuple(
        Authority(name=one.trusted.name, certificate=one.trusted.certificate) for one in authorities
    )
    return replace(TRUST, authorities=named, time_stamps=time_stamps)


def _records() -> dict[str, ProofBundle]:
    answer = sample_record(3)
    kinds = ("create", "delete", "optimise", "vacuum_start", "vacuum_end", "draft")
    versions = {kind: sample_bundle(record=replace(sample_record(4), kind=kind)) for kind in kinds}
    others = {
        kind: sample_bundle(3, record=replace(answer, kind=kind))
        for kind in ("decision", "release", "model", "consent", "trust")
    }
    erased = sample_bundle(3, record=erasure_record(), before=3)
    stated = sample_bundle(record=stated_record())
    nested = replace(sample_record(4), details_commitment=commit_details(NESTED, SALT))
    return {
        **versions,
        **others,
        "write": sample_bundle(),
        "answer": sample_bundle(3),
        "the only leaf": sample_bundle(0, 1, earlier=None),
        "large log": sample_bundle(200, 300, before=128, earlier=256),
        "details": sample_bundle(opened=True),
        "nested details": replace(
            sample_bundle(record=nested), details=OpenedDetails(value=NESTED, salt=SALT)
        ),
        "erasure": replace(erased, statements={"erasure": CERTIFICATE}),
        "statement": replace(stated, statements={"privacy": STATEMENT}),
        "content": replace(stated, content=content_leaf(3), statements={"privacy": STATEMENT}),
        "heads on both sides": sample_bundle(before=3),
    }


def _signed() -> dict[str, tuple[ProofBundle, Trust]]:
    authorities = [authority_of(kind) for kind in TIME_STAMP_KEYS]
    digest = checkpoint_digest()
    tokens = [Forgery(authority=authority, digest=digest) for authority in authorities]
    tokens.sort(key=lambda token: token.authority.name)
    return {
        "cosigned": (sample_bundle(cosigned=True), replace(QUORUM_TRUST, cosignatures=1, post_quantum=0)),
        "quorum": (sample_bundle(before=2, cosigners=(WITNESS, QUANTUM, SECOND)), QUORUM_TRUST),
        "time-stamped": (stamped_bundle(*tokens), trust_with(*authorities, time_stamps=3)),
    }


def _on_paper(bundle: bytes) -> bytes:
    return b"A receipt.\n" + "\n".join(part.block() for part in write_paper(bundle)).encode()
