"""Ask the site's witnesses to cosign the log's head, and hold the site to what it demands of them.

PROTOCOLS section 3, step (5). Witnesses are asked outside all locks; what they give is verified, then kept in
one transaction and carried by registry/checkpoint. A killed run has kept a cosignature or asks again.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from lakehouse.adapters.log_settings import LogSettings, WitnessSettings
from lakehouse.adapters.signatures import verify_signature
from lakehouse.adapters.sql_registry import Row
from lakehouse.anchors.witness import ask_cosignatures
from lakehouse.core.anchor import SignedHead
from lakehouse.core.canonical import timestamp
from lakehouse.core.checkpoint import (
    COSIGNATURE_ML_DSA_44,
    NoteSignature,
    SignedNote,
    VerifierKey,
    parse_checkpoint,
    parse_note,
)
from lakehouse.core.cosignature import verify_cosignature
from lakehouse.errors import Damaged, LivingLabError, NotVerified, Unavailable
from lakehouse.pipeline.log_records import LOG_LOCK, carry_cosignatures
from lakehouse.pipeline.site import Site

ASKED_AT_ONCE = 8
HEADS_SEARCHED = 200
"""How many of the newest heads a reader looks at for one that is cosigned."""

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 15.0
REMEDY = "see that the witnesses run, then livinglab log cosign"

Say = Callable[[str], None]
Answer = tuple[NoteSignature, ...] | LivingLabError


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingWitness:
    """A witness that has not cosigned a head with all its keys, and why: a clause that names it."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosigning:
    """How many witnesses stand behind the head of `size` leaves.

    collected, post_quantum: names with a cosignature of any type, and of ML-DSA-44; wanted,
    post_quantum_wanted: how many of each the site demands.
    """

    size: int
    wanted: int
    collected: tuple[str, ...]
    missing: tuple[MissingWitness, ...] = ()
    post_quantum_wanted: int = 0
    post_quantum: tuple[str, ...] = ()

    @property
    def satisfied(self) -> bool:
        """Say whether the head has what the site demands; the empty log needs nobody."""
        enough = len(self.collected) >= self.wanted
        return self.size == 0 or (enough and len(self.post_quantum) >= self.post_quantum_wanted)

    def tell(self) -> str:
        """Return one sentence: how many, and who is missing why."""
        head = (
            f"{len(self.collected)} witnesses cosigned the head of {self.size} leaves, {self.wanted} wanted"
        )
        if self.post_quantum_wanted:
            head += f"; {len(self.post_quantum)} with ML-DSA-44, {self.post_quantum_wanted} wanted"
        return "; ".join([head, *(missing.why for missing in self.missing)])

    def as_json(self) -> dict[str, object]:
        """Return the fields of `log cosign`."""
        return {
            "size": self.size,
            "collected": list(self.collected),
            "missing": [{"witness": missing.name, "why": missing.why} for missing in self.missing],
            "wanted": self.wanted,
            "post_quantum": list(self.post_quantum),
            "post_quantum_wanted": self.post_quantum_wanted,
            "satisfied": self.satisfied,
        }


def cosign_head(site: Site) -> Cosigning:
    """Ask each witness that has not cosigned the newest head; asked again, those that have are left alone.

    Raises Damaged where a witness has cosigned more leaves than the log has, or others.
    """
    while True:
        head = newest_head(site)
        kept = kept_cosignatures(site, head.note, head.head.size)
        asked = [own for own in site.log_policy.witnesses if head.head.size and set(own.keys) - kept.keys()]
        answers = _ask_all(site, head, asked)
        given = [line for answer in answers.values() if isinstance(answer, tuple) for line in answer]
        if given:
            keep_cosignatures(site, head.head.size, given)
        damage = [answer for answer in answers.values() if isinstance(answer, Damaged)]
        if not damage:
            return _outcome(site, head, answers)
        if site.log.size() == head.head.size:
            raise damage[0]
        # Another process has made the log longer, and witnesses have seen that head before we asked.


def cosign_by_policy(site: Site, say: Say) -> Cosigning | None:
    """Cosign the head as the end of a write does: wait, warn or refuse, as the site file says.

    `say` is told whenever fewer than all witnesses cosigned and the site demands any. None where the site
    names no witness. Raises Unavailable (wait, refuse) where fewer than demanded did; Damaged.
    """
    policy = site.log_policy
    if not policy.witnesses:
        return None
    result = cosign_head(site)
    if policy.when_missing == "wait":
        result = _wait_for_more(site, result, say)
    demanded = policy.cosignatures or policy.post_quantum
    if demanded and result.missing and (result.satisfied or policy.when_missing == "warn"):
        say(result.tell())
    if not result.satisfied and policy.when_missing != "warn":
        raise Unavailable(result.tell(), remedy=REMEDY, **result.as_json())
    return result


def read_cosigning(site: Site) -> Cosigning:
    """Return how the newest head stands without asking anybody."""
    return _outcome(site, newest_head(site), {})


def require_cosigned(site: Site, leaf: int, what: str) -> None:
    """Raise Unavailable unless a head over `leaf` has the cosignatures that the site demands.

    Sites that only warn let readers read.
    """
    if is_readable(site, leaf):
        return
    policy = site.log_policy
    raise Unavailable(
        f"{what} may not be read yet: no head over its leaf {leaf} has {policy.cosignatures} cosignatures "
        f"({policy.post_quantum} of ML-DSA-44)",
        remedy=REMEDY,
        leaf=leaf,
        wanted=policy.cosignatures,
    )


def is_readable(site: Site, leaf: int) -> bool:
    """Say whether readers may open what stands at `leaf`: no proof, no release."""
    policy = site.log_policy
    if policy.when_missing == "warn" or not (policy.cosignatures or policy.post_quantum):
        return True
    with site.registry.reading() as tx:
        heads = tx.many("checkpoints", order="size", newest=HEADS_SEARCHED)
    over = [row for row in reversed(heads) if row["size"] > leaf]
    return any(_is_covered(site, row) for row in over)


def kept_cosignatures(site: Site, note: SignedNote, size: int) -> Mapping[VerifierKey, NoteSignature]:
    """Return the kept lines over a head that are genuine and of the site's witnesses, by key."""
    with site.registry.reading() as tx:
        rows = tx.many("cosignatures", size=size, order="witness")
    return genuine_cosignatures(note, rows, site.log.trust.witnesses)


def genuine_cosignatures(
    note: SignedNote, rows: Iterable[Row], keys: Sequence[VerifierKey]
) -> dict[VerifierKey, NoteSignature]:
    """Return those of `rows` of the table `cosignatures` that verify over `note` with one of `keys`."""
    found: dict[VerifierKey, NoteSignature] = {}
    for row in rows:
        try:
            line = parse_note(f"{note.text}\n{row['line']}\n").signatures[0]
            for key in keys:
                if line.is_of(key) and row["witness"] == witness_place(line):
                    verify_cosignature(replace(note, signatures=(line,)), key, verify_signature)
                    found[key] = line
        except NotVerified:
            continue
    return found


def witness_place(line: NoteSignature) -> str:
    """Return the key of a cosignature's row: name and key id."""
    return f"{line.name}+{line.key_id.hex()}"


def newest_head(site: Site) -> SignedHead:
    """Return the newest head as the log signed it, without cosignatures."""
    note = site.log.signed_head()
    head = parse_checkpoint(note.text)
    return SignedHead(
        log=site.log.trust.log,
        note=note,
        head=head,
        consistency=lambda old: site.log.consistency(old, head.size),
    )


def _ask_all(site: Site, head: SignedHead, asked: Sequence[WitnessSettings]) -> dict[str, Answer]:
    """Ask witnesses side by side; one that fails takes nothing from the others."""
    remembered = {witness.name: _remembered_size(site, witness) for witness in asked}

    def ask(witness: WitnessSettings) -> Answer:
        try:
            return ask_cosignatures(witness, head, min(remembered[witness.name], head.head.size))
        except LivingLabError as error:
            return error

    if not asked:
        return {}
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        return dict(zip([witness.name for witness in asked], pool.map(ask, asked), strict=True))


def _remembered_size(site: Site, witness: WitnessSettings) -> int:
    """Return the size of the last head that a witness cosigned for us, or 0."""
    with site.registry.reading() as tx:
        sizes = [
            tx.largest("cosignatures", "size", witness=f"{key.name}+{key.key_id.hex()}")
            for key in witness.keys
        ]
    return max((size for size in sizes if size), default=0)


def keep_cosignatures(site: Site, size: int, lines: Sequence[NoteSignature]) -> None:
    """Keep verified lines over the head of `size` leaves, and let registry/checkpoint carry them."""
    with site.locks.hold([LOG_LOCK]):
        with site.registry.transaction() as tx:
            for line in lines:
                place = witness_place(line)
                tx.drop("cosignatures", size=size, witness=place)
                now = timestamp(site.clock())
                tx.add("cosignatures", size=size, witness=place, line=line.render(), created_at=now)
        carry_cosignatures(site)


def _outcome(site: Site, head: SignedHead, answers: Mapping[str, Answer]) -> Cosigning:
    kept = kept_cosignatures(site, head.note, head.head.size)
    policy = site.log_policy
    short = [witness for witness in policy.witnesses if head.head.size and set(witness.keys) - kept.keys()]
    return Cosigning(
        size=head.head.size,
        wanted=policy.cosignatures,
        collected=_names(kept),
        missing=tuple(
            MissingWitness(name=witness.name, why=_why_missing(witness, kept, answers)) for witness in short
        ),
        post_quantum_wanted=policy.post_quantum,
        post_quantum=_names(key for key in kept if key.algorithm == COSIGNATURE_ML_DSA_44),
    )


def _why_missing(
    witness: WitnessSettings, kept: Mapping[VerifierKey, NoteSignature], answers: Mapping[str, Answer]
) -> str:
    answer = answers.get(witness.name)
    if isinstance(answer, LivingLabError):
        return answer.message
    if any(key in kept for key in witness.keys):
        return f"{witness.name} has cosigned with one of its two keys only"
    return f"{witness.name} has not cosigned this head"


def _names(keys: Iterable[VerifierKey]) -> tuple[str, ...]:
    return tuple(sorted({key.name for key in keys}))


def _wait_for_more(site: Site, result: Cosigning, say: Say) -> Cosigning:
    """Ask again, ever more rarely, until the site's demand is met or its patience ends."""
    deadline = time.monotonic() + site.log_policy.wait_seconds
    pause = FIRST_PAUSE
    while not result.satisfied and time.monotonic() + pause <= deadline:
        say(f"waiting for witnesses: {result.tell()}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
        result = cosign_head(site)
    return result


def _is_covered(site: Site, row: Row) -> bool:
    kept = kept_cosignatures(site, parse_note(str(row["note"])), row["size"])
    return meets(site.log_policy, kept)


def meets(policy: LogSettings, keys: Iterable[VerifierKey]) -> bool:
    """Say whether cosignatures by `keys` are what a policy demands."""
    held = list(keys)
    quantum = _names(key for key in held if key.algorithm == COSIGNATURE_ML_DSA_44)
    return len(_names(held)) >= policy.cosignatures and len(quantum) >= policy.post_quantum
