"""Witnesses (https://c2sp.org/tlog-witness): each cosigns a head once it has seen that it continues the last.

What comes back is believed only as far as the witness's own keys verify it.
"""

from dataclasses import dataclass, replace

from lakehouse.adapters.bounded_http import exchange
from lakehouse.adapters.log_settings import LogSettings, WitnessSettings
from lakehouse.adapters.signatures import verify_signature
from lakehouse.core.anchor import Anchored, SignedHead
from lakehouse.core.checkpoint import (
    NoteSignature,
    SignedNote,
    keep_known,
)
from lakehouse.core.cosignature import keys_in, verify_cosignature
from lakehouse.core.witness_protocol import (
    LARGEST_ANSWER,
    SIZE_TYPE,
    AddCheckpoint,
    parse_cosignatures,
    parse_stored_size,
)
from lakehouse.errors import Damaged, NotVerified, Unavailable, WrongUse

ROUNDS = 4
"""A witness that is asked by two processes of one site at once may tell another size in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    content_type: str
    text: str


def places(settings: LogSettings) -> tuple[str, ...]:
    """Return the names of the witnesses."""
    return tuple(witness.name for witness in settings.witnesses)


def anchor(settings: LogSettings, place: str, head: SignedHead) -> Anchored:
    """Ask one witness for its cosignatures over a head."""
    named = [witness for witness in settings.witnesses if witness.name == place]
    if not named:
        raise WrongUse(
            "there is no witness of that name", remedy=", ".join(places(settings)) or "none is named"
        )
    return Anchored(place=place, lines=ask_cosignatures(named[0], head))


def ask_cosignatures(witness: WitnessSettings, head: SignedHead, old: int = 0) -> tuple[NoteSignature, ...]:
    """Return the witness's cosignature lines over `head`, all verified; `old` is where it stood last.

    Raises:
        Unavailable: it does not answer, refuses, or answers what is no cosignature of its keys.
        Damaged: it has cosigned more leaves than this log has, or others.
    """
    for _ in range(ROUNDS):
        path = tuple(head.consistency(old)) if 0 < old < head.head.size else ()
        body = AddCheckpoint(old=old, path=path, note=head.note).render()
        answer = _exchange(witness, "POST", "/add-checkpoint", body.encode())
        if answer.status == 200:
            return _genuine_lines(witness, head.note, answer.text)
        if answer.status != 409 or answer.content_type != SIZE_TYPE:
            return _not_cosigned(witness, head, answer)
        stored = _stored_size(witness, answer.text)
        if stored > head.head.size:
            raise _longer(witness, head, stored)
        if stored == old:
            return _not_cosigned(witness, head, answer)
        old = stored
    raise Unavailable(f"{witness.name} is asked by others at the same time", remedy="livinglab log cosign")


def _genuine_lines(witness: WitnessSettings, note: SignedNote, text: str) -> tuple[NoteSignature, ...]:
    """Return the lines of the witness's own keys, each verified; others are ignored, as C2SP says."""
    try:
        lines = parse_cosignatures(text, note)
        answered = keep_known(replace(note, signatures=lines), witness.keys)
        keys = keys_in(answered, witness.keys)
        for key in keys:
            verify_cosignature(answered, key, verify_signature)
    except NotVerified as error:
        raise _useless(witness, error.message) from error
    if not keys:
        raise _useless(witness, "no cosignature of the keys that the site file names")
    return answered.signatures


def _not_cosigned(witness: WitnessSettings, head: SignedHead, answer: _Answer) -> tuple[NoteSignature, ...]:
    """Raise what a refusal means: 409 at our own size and 422 say that it has cosigned other leaves."""
    if answer.status in (409, 422):
        raise Damaged(
            f"{witness.name} has cosigned a head that the log of {head.head.size} leaves does not continue",
            remedy=_COMPARE,
            witness=witness.name,
        )
    meaning = {404: "it does not watch this log", 403: "it knows this log under another key"}
    why = meaning.get(answer.status, f"it answered {answer.status}")
    raise Unavailable(f"{witness.name} did not cosign: {why}", remedy=f"ask who runs {witness.name}")


_COMPARE = "livinglab log compare; the log was rolled back, or witnesses were shown another"


def _longer(witness: WitnessSettings, head: SignedHead, stored: int) -> Damaged:
    return Damaged(
        f"{witness.name} has cosigned {stored} leaves, this log has {head.head.size}: "
        "the log was rolled back, or witnesses were shown another",
        remedy=f"restore registry/ and registry.db from a copy of {stored} leaves or more",
        witness=witness.name,
        stored=stored,
    )


def _stored_size(witness: WitnessSettings, text: str) -> int:
    try:
        return parse_stored_size(text)
    except NotVerified as error:
        raise _useless(witness, error.message) from error


def _useless(witness: WitnessSettings, problem: str) -> Unavailable:
    return Unavailable(
        f"{witness.name} answered what cannot be used: {problem}",
        remedy="compare its address and keys in the site file with what `livinglab witness init` printed",
    )


def _exchange(
    witness: WitnessSettings,
    method: str,
    path: str,
    content: bytes | None = None,
) -> _Answer:
    """Send one request to a witness; Unavailable where it gives no answer, or none that is text."""
    answer = exchange(
        method,
        witness.url + path,
        largest=LARGEST_ANSWER,
        who=witness.name,
        content=content,
    )
    try:
        text = answer.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _useless(witness, "what is not UTF-8") from error
    return _Answer(status=answer.status, content_type=answer.content_type, text=text)
