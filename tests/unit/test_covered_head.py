"""A proof leads to the newest head that has what the site demands; until there is one it is refused."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lakehouse.adapters.signatures import WitnessSigner, verify_signature
from lakehouse.core.bundle import parse_bundle
from lakehouse.core.checkpoint import COSIGNATURE_ML_DSA_44, COSIGNATURE_V1, parse_checkpoint, parse_note
from lakehouse.core.cosignature import keys_in
from lakehouse.core.verification import verify_bundle
from lakehouse.errors import NotReady
from lakehouse.pipeline.cosign import keep_cosignatures
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.site import Site

NAMES = ("w1.example", "w2.example", "w3.example")
WITNESSES = {
    (name, kind): WitnessSigner(name, bytes([number, kind]) * 16, kind)
    for number, name in enumerate(NAMES, 1)
    for kind in (COSIGNATURE_V1, COSIGNATURE_ML_DSA_44)
}
SHIPPED = Path(__file__).parents[2] / "infra" / "sites" / "local.toml"
Home = Callable[..., Site]


@pytest.fixture
def home(tmp_path: Path, open_home: Home) -> Home:
    """Open a home whose site file names three witnesses that nobody runs."""

    def opened(cosignatures: int = 2, post_quantum: int = 1) -> Site:
        lines = [f'base = "{SHIPPED}"', "[log]", f"cosignatures = {cosignatures}"]
        lines += [f"post_quantum = {post_quantum}"]
        for name in NAMES:
            keys = [own.key.render() for (of, _), own in WITNESSES.items() if of == name]
            lines += ["[[log.witnesses]]", f"keys = {keys}".replace("'", '"'), 'url = "http://127.0.0.1:9"']
        (tmp_path / "site.toml").write_text("\n".join(lines) + "\n")
        return open_home("home", site_file=tmp_path / "site.toml")

    return opened


def add_leaf(site: Site, ref: str) -> None:
    log_record(site, draft_record(site, kind="decision", digests={}, details={}, ref=ref))


def cosign(site: Site, names: Sequence[str] = NAMES) -> None:
    text = parse_note(site.log.checkpoint_text()).text
    lines = [own.cosign(text, 1_800_000_000) for (name, _), own in WITNESSES.items() if name in names]
    keep_cosignatures(site, site.log.size(), lines)


def signers(bundle: bytes, site: Site) -> list[tuple[str, int]]:
    keys = keys_in(parse_bundle(bundle).proof.checkpoint, site.log.trust.witnesses)
    return sorted((key.name, key.algorithm) for key in keys)


def test_a_leaf_that_no_cosigned_head_covers_is_refused_and_the_way_out_said(home: Home) -> None:
    site = home()
    add_leaf(site, "first")
    with pytest.raises(NotReady, match="leaf 0 stands in none of 1 heads with 2 cosignatures") as refused:
        prove(site, "first")
    assert refused.value.remedy == "livinglab log cosign"
    cosign(site, NAMES[:1])
    with pytest.raises(NotReady):
        prove(site, "first")
    cosign(site, NAMES[:2])
    assert verify_bundle(prove(site, "first").bundle, site.log.trust, verify_signature).verified


def test_the_newest_head_that_is_covered_is_taken_not_the_newest(home: Home) -> None:
    site = home()
    for ref in ("first", "second"):
        add_leaf(site, ref)
    cosign(site)
    add_leaf(site, "third")
    assert parse_checkpoint(parse_bundle(prove(site, "first").bundle).proof.checkpoint.text).size == 2
    with pytest.raises(NotReady):
        prove(site, "third")
    cosign(site)
    assert prove(site, "first").head.size == 3


def test_all_small_cosignatures_go_along_and_as_many_large_ones_as_are_demanded(home: Home) -> None:
    site = home()
    add_leaf(site, "first")
    cosign(site)
    ed25519 = [(name, COSIGNATURE_V1) for name in NAMES]
    assert signers(prove(site, "first").bundle, site) == sorted([*ed25519, (NAMES[0], COSIGNATURE_ML_DSA_44)])


def test_a_witness_with_only_a_large_key_counts_as_one(home: Home) -> None:
    site = home(cosignatures=2, post_quantum=0)
    add_leaf(site, "first")
    text = parse_note(site.log.checkpoint_text()).text
    lines = [
        WITNESSES[NAMES[0], COSIGNATURE_V1].cosign(text, 1_800_000_000),
        WITNESSES[NAMES[0], COSIGNATURE_ML_DSA_44].cosign(text, 1_800_000_000),
        WITNESSES[NAMES[1], COSIGNATURE_ML_DSA_44].cosign(text, 1_800_000_000),
    ]
    keep_cosignatures(site, 1, lines)
    assert signers(prove(site, "first").bundle, site) == [
        (NAMES[0], COSIGNATURE_V1),
        (NAMES[1], COSIGNATURE_ML_DSA_44),
    ]


def test_a_cosignature_that_is_not_genuine_leaves_no_proof_that_would_fail(home: Home) -> None:
    site = home(cosignatures=1, post_quantum=0)
    add_leaf(site, "first")
    other = parse_note(site.log.checkpoint_text()).text.replace("\n1\n", "\n2\n")
    keep_cosignatures(site, 1, [WITNESSES[NAMES[0], COSIGNATURE_V1].cosign(other, 1_800_000_000)])
    with pytest.raises(NotReady, match="in none of 1 heads with 1 cosignatures"):
        prove(site, "first")
