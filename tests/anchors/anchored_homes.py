"""A home whose site file names authorities and folders for copies, and signed heads to show them."""

from pathlib import Path

from local_authority import LocalAuthority

from lakehouse.adapters.signatures import Signer
from lakehouse.core.anchor import SignedHead
from lakehouse.core.checkpoint import Checkpoint
from lakehouse.core.merkle import consistency_path, leaf_hash, root_of
from lakehouse.pipeline.log_records import draft_record, log_record
from lakehouse.pipeline.site import Site

PROJECT = Path(__file__).resolve().parents[2]
SIGNER = Signer("livinglab.local/anchored", b"\x07" * 32)


def write_site(folder: Path, authorities: list[LocalAuthority], copies: list[Path], stamps: int = 0) -> Path:
    """Return a site file like the shipped one, with these authorities and folders."""
    shipped = (PROJECT / "infra" / "sites" / "local.toml").read_text()
    lines = [shipped.replace('"../../', f'"{PROJECT}/'), "[log]", f"time_stamps = {stamps}"]
    for authority in authorities:
        (folder / f"{authority.name}.pem").write_bytes(authority.pem)
        named = f'name = "{authority.name}"\nurl = "{authority.url}"\ncertificate = "{authority.name}.pem"'
        lines += ["[[log.authorities]]", named]
    lines += [f'[[log.copies]]\nfolder = "{copy}"' for copy in copies]
    file = folder / "site.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def add_leaf(site: Site, number: int) -> None:
    """Log one decision."""
    draft = draft_record(site, kind="decision", digests={}, details={"number": number}, ref=f"d{number}")
    log_record(site, draft)


def make_head(size: int, *, changed: int | None = None, signer: Signer = SIGNER) -> SignedHead:
    """Return the signed head of a log of `size` leaves; leaf `changed` is another than usual."""
    leaves = [leaf_hash(b"other" if number == changed else bytes([number])) for number in range(size)]
    head = Checkpoint(origin=signer.key.name, size=size, root=root_of(leaves))
    return SignedHead(
        log=signer.key,
        note=signer.sign_note(head.render()),
        head=head,
        consistency=lambda old: consistency_path(leaves, old),
    )
