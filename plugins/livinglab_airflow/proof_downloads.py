"""What a viewer takes away to check a proof elsewhere: the one-file verifier, the trust file, a bundle.

Nothing here writes; a bundle is made anew from registry and log for each request.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.errors import NotReady

if TYPE_CHECKING:
    from lakehouse.pipeline.site import Site

VERIFIER_FOLDER = Path(__file__).resolve().parents[2] / "verifier"
PROGRAM, README = "livinglab_verify.py", "README.md"
VERIFIER_FILES = {PROGRAM: "text/x-python; charset=utf-8", README: "text/markdown; charset=utf-8"}
"""The files that are offered, with their content types."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """One file to take away: its name, its size in bytes and its SHA-256 (hex)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierPage:
    """The facts of the page that offers the verifier."""

    origin: str
    program: Download
    readme: Download
    trust: Download | None


def verifier_page(site: "Site") -> VerifierPage:
    """Return what the page offers; no trust file where the viewer's roles do not cover it."""
    return VerifierPage(
        origin=site.home.origin,
        program=_described(PROGRAM, verifier_file(PROGRAM)),
        readme=_described(README, verifier_file(README)),
        trust=_described("trust.json", trust_file(site)) if site.actor.may("trust") else None,
    )


def verifier_file(name: str) -> bytes:
    """Return one of `VERIFIER_FILES`; NotReady where the project is installed without its checkout."""
    try:
        return (VERIFIER_FOLDER / name).read_bytes()
    except OSError as error:
        raise NotReady(
            "the one-file verifier lies in the folder verifier/ of a checkout, and there is none",
            remedy="install the project from its checkout, as `make ui` does",
        ) from error


def trust_file(site: "Site") -> bytes:
    """Return the bytes of the site's trust file, as the registry holds it."""
    return site.log.trust_file()


def proof_bundle(site: "Site", what: str) -> bytes:
    """Return the bundle of `layer.table@version` or of a receipt; errors as `pipeline.prove.prove`."""
    from lakehouse.pipeline.prove import prove

    return prove(site, what).bundle


def paper_page(bundle: bytes) -> str:
    """Return a bundle as a page to be printed: words, codes, and the same as text."""
    from lakehouse.adapters.paper_page import render_page
    from lakehouse.core.bundle import parse_bundle
    from lakehouse.core.paper import write_paper
    from lakehouse.core.receipt_words import describe_bundle

    return render_page(describe_bundle(parse_bundle(bundle)), write_paper(bundle))


def file_name(what: str) -> str:
    """Return the name under which a browser keeps the bundle of `what`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", what)[:100].strip(".-") + ".proof.json"


def _described(name: str, content: bytes) -> Download:
    return Download(name=name, size=len(content), sha256=hashlib.sha256(content).hexdigest())
