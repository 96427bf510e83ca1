"""The whole way: a head is stamped, a proof carries the stamp, paper carries the proof, `verify` holds it."""

import json
from pathlib import Path

import pytest
from anchored_homes import add_leaf, write_site
from local_authority import LocalAuthority, make_authority, needs_openssl, served_by

from lakehouse.cli.main import run
from lakehouse.core.bundle import parse_bundle
from lakehouse.core.paper import unfold_document
from lakehouse.errors import NotReady
from lakehouse.pipeline.anchoring import anchor_head
from lakehouse.pipeline.prove import prove
from lakehouse.pipeline.site import Site

CHROMIUM = Path("/usr/bin/chromium")
needs_chromium = pytest.mark.skipif(
    not CHROMIUM.exists(), reason="there is no Chromium: apt-get install chromium"
)
WIDTHS = {"A4": 794, "a telephone": 390}


@pytest.fixture
def site(tmp_path: Path, open_home, served: LocalAuthority) -> Site:
    """A home of three leaves whose trust file demands one time stamp; its head is stamped."""
    opened = open_home(site_file=write_site(tmp_path, [served], [], stamps=1))
    for number in range(3):
        add_leaf(opened, number)
    anchor_head(opened, "rfc3161")
    (tmp_path / "proof.json").write_bytes(prove(opened, "d1").bundle)
    return opened


def verify(folder: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict]:
    """Run `livinglab verify FILE --json` with the home's trust file; return exit code and verdict."""
    trust = folder / "home" / "registry" / "trust.json"
    code = run(["verify", str(file), "--trust", str(trust), "--json"])
    return code, json.loads(capsys.readouterr().out)


@needs_openssl
def test_a_proof_carries_the_stamp_that_its_trust_file_demands(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, verdict = verify(tmp_path, tmp_path / "proof.json", capsys)

    assert (code, verdict["verified"]) == (0, True)
    assert next(check for check in verdict["checks"] if check["name"] == "time stamps")["ok"]


@needs_openssl
def test_a_head_without_a_stamp_proves_nothing_where_one_is_demanded(site: Site) -> None:
    add_leaf(site, 3)

    with pytest.raises(NotReady, match="1 time stamps"):
        prove(site, "d3")


@needs_openssl
def test_a_stamp_of_a_replaced_certificate_proves_nothing_until_it_is_renewed(
    site: Site, tmp_path: Path, open_home, served: LocalAuthority
) -> None:
    renewed = make_authority(tmp_path / "renewed", "p256", name=served.name)
    (tmp_path / "new").mkdir()
    with served_by(renewed):
        again = open_home(site_file=write_site(tmp_path / "new", [renewed], [], stamps=1))
        with pytest.raises(NotReady, match="1 time stamps"):
            prove(again, "d1")
        anchor_head(again, "rfc3161")
        assert len(parse_bundle(prove(again, "d1").bundle).time_stamps) == 1


@needs_openssl
@pytest.mark.parametrize("kind", ["html", "txt"])
def test_a_receipt_is_verified_as_it_is(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    receipt = tmp_path / f"receipt.{kind}"

    assert run(["paper", str(tmp_path / "proof.json"), "-o", str(receipt)]) == 0
    capsys.readouterr()
    assert unfold_document(receipt.read_bytes()) == (tmp_path / "proof.json").read_bytes()
    assert verify(tmp_path, receipt, capsys)[0] == 0
    receipt.write_text(receipt.read_text().replace(":1/", ":2/", 1))
    assert verify(tmp_path, receipt, capsys)[0] == 5


@needs_openssl
def test_a_receipt_says_what_is_proved_and_loads_nothing(site: Site, tmp_path: Path) -> None:
    bundle = parse_bundle((tmp_path / "proof.json").read_bytes())
    run(["paper", str(tmp_path / "proof.json"), "-o", str(tmp_path / "receipt.html")])
    page = (tmp_path / "receipt.html").read_text()

    for told in (
        "a person decided about a release",
        bundle.record.time,
        "number 1 (the first is 0) of 3",
        "clock.example",
    ):
        assert told in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("content", "output", "code"),
    [(b"{}\n", "receipt.html", 5), (b"", "receipt.txt", 5), (b"{}\n", "receipt.pdf", 2)],
)
def test_what_is_no_bundle_or_no_page_is_refused(
    tmp_path: Path, content: bytes, output: str, code: int
) -> None:
    (tmp_path / "proof.json").write_bytes(content)

    assert run(["paper", str(tmp_path / "proof.json"), "-o", str(tmp_path / output)]) == code
    assert run(["paper", str(tmp_path / "none.json"), "-o", str(tmp_path / "receipt.html")]) == 2
    assert not (tmp_path / output).exists()


@pytest.mark.browser
@needs_openssl
@needs_chromium
def test_the_page_fits_and_its_codes_are_read_from_a_picture(site: Site, tmp_path: Path) -> None:
    import zxingcpp
    from PIL import Image
    from playwright.sync_api import sync_playwright

    run(["paper", str(tmp_path / "proof.json"), "-o", str(tmp_path / "receipt.html")])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        for width in WIDTHS.values():
            page = browser.new_page(viewport={"width": width, "height": 1123}, device_scale_factor=2)
            page.goto((tmp_path / "receipt.html").as_uri())
            picture = tmp_path / f"receipt-{width}.png"
            page.screenshot(path=str(picture), full_page=True)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            found = zxingcpp.read_barcodes(Image.open(picture))
            scanned = "\n".join(code.text for code in found)
            assert unfold_document(scanned.encode()) == (tmp_path / "proof.json").read_bytes()
        browser.close()
