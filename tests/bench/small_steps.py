"""What happens many times: a question, an encrypted prediction, a leaf, a verification."""

import time
from decimal import Decimal
from pathlib import Path
from statistics import median

import polars as pl

from lakehouse.adapters.signatures import Signer
from lakehouse.adapters.tile_log import TileLog
from lakehouse.core.question import Question
from lakehouse.core.trust import parse_trust
from lakehouse.pipeline.answer import answer
from lakehouse.pipeline.predict import example_features, predict
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.verify import verify
from lakehouse.pipeline.versions import current_version
from tests.bench.figures import Figure, in_turn, ratio_of, seconds

ROUNDS = 7


def ask_figure(site: Site) -> Figure:
    """A question with ledger, noise and leaf beside the same grouping by polars on the same version."""
    version = current_version(site, "silver.gait_features")
    if version is None:
        raise RuntimeError("there is no silver.gait_features to ask about")
    folder = site.lake.folder_of("silver.gait_features")

    def ours(number: int) -> None:
        answer(site, _question(number))

    def peer(_: int) -> None:
        rows = pl.read_delta(str(folder), version=version.version)
        rows.group_by("age_band").agg(pl.col("stride_time_s").mean())

    ours(ROUNDS)
    peer(0)
    own, other = in_turn(ours, peer, ROUNDS)
    return Figure(
        what="ask: mean by age band, with consent, ledger, noise, leaf",
        ours=f"{median(own) * 1000:.0f} ms",
        peer=f"{median(other) * 1000:.0f} ms: polars, no privacy",
        ratio=ratio_of(own, other),
        goal="stated",
    )


def _question(number: int) -> Question:
    price = Decimal("0.001") + Decimal(number) / Decimal(100_000)
    return Question.of("mean", "stride_time_s", on="silver.gait_features", by=("age_band",), epsilon=price)


def predict_figure(site: Site) -> Figure:
    """Encrypt, compute on ciphertext, decrypt, after the models environment has started."""
    features = example_features(site, "pd_screen")
    taken = [float(predict(site, "pd_screen", features).milliseconds or 0) for _ in range(3)]
    return Figure(
        what="predict --encrypted: encrypt, run, decrypt",
        ours=f"{median(taken):.0f} ms",
        peer="",
        ratio=None,
        goal="stated",
    )


def leaves_figure(folder: Path, batch: int) -> Figure:
    """Append and integrate durably, `batch` entries a checkpoint."""
    log = TileLog(folder, "bench", Signer("bench", b"s" * 32))
    entries = [b'{"entry": %d}' % number for number in range(200 if batch == 1 else 4000)]

    def append() -> None:
        for first in range(0, len(entries), batch):
            log.extend(entries[first : first + batch], first)

    taken = seconds(append)
    return Figure(
        what=f"log: leaves a second, durable, {batch} a checkpoint",
        ours=f"{len(entries) / taken:.0f} /s",
        peer="",
        ratio=None,
        goal="100 /s" if batch == 1 else "2,000 /s in batches",
    )


def verify_figure(site: Site) -> Figure:
    """Verify one bundle against the trust file, from bytes."""
    bundle = prove(site, "silver.gait_features").bundle
    trust = parse_trust(site.home.place("registry", "trust.json").read_bytes())
    taken = []
    for _ in range(50):
        begun = time.perf_counter()
        if not verify(bundle, trust).verified:
            raise RuntimeError("the measured bundle does not verify")
        taken.append((time.perf_counter() - begun) * 1000)
    return Figure(
        what="verify one bundle", ours=f"{median(taken):.2f} ms", peer="", ratio=None, goal="under 5 ms"
    )
