"""Bundles, trust files and evidence for the vectors: sound ones, and each way in which one is not."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from kept_signatures import KeptWitness, kept_stamp
from misbehaviour_samples import FORK, HONEST, REWRITE, REWRITTEN, continued, head
from proof_samples import (
    CERTIFICATE,
    ORIGIN,
    QUANTUM,
    QUORUM_TRUST,
    SECOND,
    SIGNER,
    STATEMENT,
    TRUST,
    WITNESS,
    WITNESSED_TRUST,
    content_leaf,
    erasure_record,
    sample_bundle,
    stated_record,
)

from lakehouse.adapters.signatures import Signer
from lakehouse.core.bundle import ProofBundle
from lakehouse.core.canonical import canonical_json
from lakehouse.core.checkpoint import COSIGNATURE_V1, NoteSignature, VerifierKey
from lakehouse.core.misbehaviour import Misbehaviour, accuse
from lakehouse.core.trust import Authority, Trust

Case: TypeAlias = tuple[str, str, Trust]
"""Name, text of the document, trust file."""

KEPT = KeptWitness()


def bundle_cases() -> list[Case]:
    """Return every bundle of the vectors."""
    return [*_sound_bundles(), *_other_forms(), *_other_contents(), *_other_signers(), *_stamped_bundles()]


def misbehaviour_cases() -> list[Case]:
    """Return every piece of evidence of the vectors."""
    own = accuse(SIGNER.key, head(HONEST, 5), head(HONEST, 9), **continued(HONEST, 5, 9))
    impostor = head(REWRITTEN, 7, Signer(ORIGIN, b"\x09" * 32))
    cosigned = replace(
        FORK.first, signatures=(*FORK.first.signatures, WITNESS.cosign(FORK.first.text, 1_800_000_000))
    )
    cases = {
        "forked": FORK,
        "rewritten": REWRITE,
        "the honest continuation": own,
        "the same head twice": Misbehaviour(first=FORK.first, second=FORK.first),
        "the larger head first": replace(REWRITE, first=REWRITE.second, second=REWRITE.first),
        "a fork with a root": replace(FORK, root=bytes(32)),
        "rewritten without a root": replace(REWRITE, root=None),
        "rewritten with half a path": replace(REWRITE, path=REWRITE.path[:-1]),
        "another key of that name": Misbehaviour(first=FORK.first, second=impostor),
        "a cosigned note": replace(FORK, first=cosigned),
    }
    texts = {name: evidence.render().decode() for name, evidence in cases.items()}
    texts["unknown field"] = texts["forked"].replace('"root":null', '"note":1,"root":null')
    texts["another layout"] = json.dumps(json.loads(texts["forked"]), indent=1) + "\n"
    return [(name, text, TRUST) for name, text in texts.items()]


def trust_cases() -> list[tuple[str, str, bool]]:
    """Return trust files with a name, and whether each is one."""
    whole = _full_trust()
    accepted = {"no witnesses": TRUST, "two witnesses, three keys": QUORUM_TRUST, "with an authority": whole}
    twin = VerifierKey(name="witness.example/w9", algorithm=COSIGNATURE_V1, public=SIGNER.key.public)
    fields = json.loads(whole.render())
    refused = {
        "the log's key as a witness": {"witnesses": [twin.render()], "policy": _policy(0)},
        "two witnesses of one key": {
            "witnesses": [WITNESS.key.render(), replace(WITNESS.key, name="other.example").render()]
        },
        "a witness key as the log's": {"log": SECOND.key.render(), "origin": SECOND.key.name},
        "an origin that is not the key's name": {"origin": "another.example/log"},
        "more demanded than there are": {"policy": _policy(3)},
        "a demand that is no number": {"policy": {**_policy(0), "cosignatures": True}},
        "a demand left out": {"policy": {"cosignatures": 0}},
        "an authority twice": {"authorities": fields["authorities"] * 2},
        "unknown field": {"note": 1},
    }
    made = [(name, trust.render(), True) for name, trust in accepted.items()]
    made += [
        (name, canonical_json({**fields, **edit}).decode() + "\n", False) for name, edit in refused.items()
    ]
    made.append(("no newline at its end", whole.render()[:-1], False))
    return made


def _policy(cosignatures: int) -> dict[str, int]:
    return {"cosignatures": cosignatures, "post_quantum": 0, "time_stamps": 0}


def _sound_bundles() -> list[Case]:
    stated = sample_bundle(record=stated_record(), earlier=None)
    erased = replace(sample_bundle(record=erasure_record(), before=3), statements={"erasure": CERTIFICATE})
    quorum = sample_bundle(cosigners=(WITNESS, KEPT, SECOND))
    made: list[tuple[str, ProofBundle, Trust]] = [
        ("a gold version", sample_bundle(), TRUST),
        ("an answer", sample_bundle(3), TRUST),
        ("opened details", sample_bundle(opened=True), TRUST),
        ("cosigned", sample_bundle(cosigned=True), WITNESSED_TRUST),
        ("the only leaf", sample_bundle(0, 1, earlier=None), TRUST),
        ("cosigned with Ed25519 and ML-DSA-44", quorum, QUORUM_TRUST),
        ("a statement", replace(stated, statements={"privacy": STATEMENT}), TRUST),
        ("the leaf of a person", replace(stated, content=content_leaf(3)), TRUST),
        ("heads before and once it stood", sample_bundle(before=4), TRUST),
        ("an erasure", erased, TRUST),
    ]
    return [(name, bundle.render().decode(), trust) for name, bundle, trust in made]


def _other_forms() -> list[Case]:
    sound = sample_bundle().render().decode()
    texts = {
        "trailing byte": sound + "\n",
        "unknown field": sound.replace('"details":null', '"details":null,"extra":1'),
        "duplicate key": sound.replace('"details":null', '"details":null,"details":null'),
        "field left out": sound.replace('"content":null,', ""),
        "another layout": json.dumps(json.loads(sound), indent=1) + "\n",
        "a shared hash in full": _spelled_out(),
        "a shared hash of no place": _edited(lambda fields: fields["earlier"]["path"].append(99)),
        "a statement without a schema": _edited(
            lambda fields: fields["statements"].update(privacy={"salt": "A" * 43 + "=", "value": {}})
        ),
        "two time stamps of one authority": _edited(
            lambda fields: fields.update(time_stamps=[{"authority": "a", "token": "AAAA"}] * 2)
        ),
        "time stamps in another order": _edited(
            lambda fields: fields.update(
                time_stamps=[{"authority": name, "token": "AAAA"} for name in ("b", "a")]
            )
        ),
    }
    return [(name, text, TRUST) for name, text in texts.items()]


def _other_contents() -> list[Case]:
    sound = sample_bundle().render().decode()
    stated = sample_bundle(record=stated_record(), earlier=None)
    erased = replace(sample_bundle(record=erasure_record(), before=3), statements={"erasure": CERTIFICATE})
    other = replace(STATEMENT, value={**STATEMENT.value, "k": 2})
    texts = {
        "another version number": sound.replace('"version":4', '"version":5'),
        "another index": sound.replace("index 4", "index 3"),
        "earlier head before the leaf": sample_bundle(earlier=4).render().decode(),
        "head before once it stood": sample_bundle(before=5).render().decode(),
        "other details": sample_bundle(opened=True).render().decode().replace('"rows":12', '"rows":13'),
        "another statement": replace(stated, statements={"privacy": other}).render().decode(),
        "a statement of another name": replace(stated, statements={"consents": STATEMENT}).render().decode(),
        "the leaf of a person at another place": replace(stated, content=replace(content_leaf(3), index=2))
        .render()
        .decode(),
        "the leaf of a person without a content digest": replace(
            sample_bundle(3, earlier=None), content=content_leaf(3)
        )
        .render()
        .decode(),
        "an erasure without its certificate": replace(erased, statements={}).render().decode(),
        "an erasure without a head before": replace(erased, before=None).render().decode(),
    }
    return [(name, text, TRUST) for name, text in texts.items()]


def _other_signers() -> list[Case]:
    bundle = sample_bundle(earlier=None)
    text = bundle.proof.checkpoint.text
    classic, quantum = WITNESS.cosign(text, 1_800_000_000), KEPT.cosign(text, 1_800_000_000)
    stranger = Signer("stranger.example", b"\x09" * 32).sign_note(text).signatures[0]
    bent = replace(quantum, signature=quantum.signature[:-1] + bytes([quantum.signature[-1] ^ 1]))
    as_classic = replace(classic, key_id=SIGNER.key.key_id, name=ORIGIN)
    lenient = replace(QUORUM_TRUST, cosignatures=0, post_quantum=0)

    def signed(*lines: NoteSignature) -> str:
        note = bundle.proof.checkpoint
        noted = replace(note, signatures=(*note.signatures, *lines))
        return replace(bundle, proof=replace(bundle.proof, checkpoint=noted)).render().decode()

    own = bundle.proof.checkpoint.signatures[0]
    unsigned = replace(own, signature=own.signature[:-1] + bytes([own.signature[-1] ^ 1]))
    forged = replace(bundle.proof, checkpoint=replace(bundle.proof.checkpoint, signatures=(unsigned,)))
    return [
        ("a bit of the log's signature", replace(bundle, proof=forged).render().decode(), TRUST),
        ("witness demanded, none there", signed(), WITNESSED_TRUST),
        ("witness of nobody we trust", signed(classic), TRUST),
        ("a stranger's signature", signed(stranger), TRUST),
        ("one witness with two keys, two demanded", signed(classic, quantum), QUORUM_TRUST),
        ("post-quantum demanded, none there", signed(classic, SECOND.cosign(text, 1)), QUORUM_TRUST),
        ("a cosignature twice", signed(classic, classic), lenient),
        ("a cosignature of time 0", signed(WITNESS.cosign(text, 0)), lenient),
        ("a cosignature after the year 9999", signed(SECOND.cosign(text, 253_402_300_800)), lenient),
        ("a cosignature of time 2^63", signed(WITNESS.cosign(text, 2**63)), lenient),
        ("a bit of an ML-DSA-44 signature", signed(bent), lenient),
        ("another text cosigned", signed(WITNESS.cosign(text + "other\n", 1)), lenient),
        ("a cosignature as the log's signature", signed(as_classic), lenient),
        ("the log's signature twice", signed(own), TRUST),
    ]


def _stamped_bundles() -> list[Case]:
    bundle = sample_bundle(earlier=None)
    authority, stamp = kept_stamp(bundle.proof.checkpoint.text)
    trust = Trust(log=SIGNER.key, authorities=(authority,), time_stamps=1)
    stranger = replace(trust, authorities=(replace(authority, name="other.example"),))
    stamped = replace(bundle, time_stamps=(stamp,))
    bent = replace(stamp, token=stamp.token[:-1] + bytes([stamp.token[-1] ^ 1]))
    grown = replace(sample_bundle(5, 8, earlier=None), time_stamps=(stamp,))
    return [
        ("time-stamped", stamped.render().decode(), trust),
        ("time stamp demanded, none there", bundle.render().decode(), trust),
        ("a time stamp of nobody we trust", stamped.render().decode(), stranger),
        ("a time stamp of another checkpoint", grown.render().decode(), trust),
        ("a bit of a time stamp", replace(bundle, time_stamps=(bent,)).render().decode(), trust),
        ("no time stamp but bytes", _replace_token(stamped), trust),
    ]


def _full_trust() -> Trust:
    authority: Authority = kept_stamp(sample_bundle(earlier=None).proof.checkpoint.text)[0]
    return Trust(
        log=SIGNER.key,
        witnesses=(WITNESS.key, QUANTUM.key),
        authorities=(authority,),
        cosignatures=1,
        post_quantum=1,
        time_stamps=1,
    )


def _edited(change: Callable[[dict[str, Any]], object]) -> str:
    """Return a bundle changed by someone who keeps the canonical form."""
    fields = json.loads(sample_bundle().render())
    change(fields)
    return canonical_json(fields).decode() + "\n"


def _spelled_out() -> str:
    """Return a bundle whose earlier path gives every hash in base64."""
    fields = json.loads(sample_bundle().render())
    inclusion = fields["proof"].split("\n")[2:]
    fields["earlier"]["path"] = [
        inclusion[node] if isinstance(node, int) else node for node in fields["earlier"]["path"]
    ]
    return canonical_json(fields).decode() + "\n"


def _replace_token(bundle: ProofBundle) -> str:
    stamps = tuple(replace(stamp, token=b"\x30\x00") for stamp in bundle.time_stamps)
    return replace(bundle, time_stamps=stamps).render().decode()
