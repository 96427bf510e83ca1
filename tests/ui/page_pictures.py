"""Pictures for the docs: written where LIVINGLAB_PICTURES=1, small, with nothing of this machine in them."""

import io
import os
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
WANTED = os.environ.get("LIVINGLAB_PICTURES") == "1"
COLOURS = 128
MOST_BYTES = 150_000


def keep_picture(page: Any, name: str, **options: Any) -> None:
    """Write docs/pictures/<name>.png of what the page shows, as a palette PNG below 150 kB."""
    if not WANTED:
        return
    from PIL import Image

    page.wait_for_timeout(800)
    shot = Image.open(io.BytesIO(page.screenshot(**options))).convert("RGB")
    written = io.BytesIO()
    shot.quantize(COLOURS, dither=Image.Dither.NONE).save(written, "png", optimize=True)
    if written.tell() > MOST_BYTES:
        raise ValueError(f"the picture {name} has {written.tell()} bytes, more than {MOST_BYTES}")
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.png").write_bytes(written.getvalue())
