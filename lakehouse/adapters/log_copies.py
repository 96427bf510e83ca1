"""Other places that tell what a log said: copies of its `registry/`, in a folder or on the web; witnesses.

A witness answers for the same name, `checkpoint`, and has no tiles; nor has a folder that takes copies of
heads (`anchors.local_file`).
"""

from pathlib import Path
from urllib.parse import urlsplit

from lakehouse.adapters.bounded_http import exchange
from lakehouse.adapters.signatures import verify_signature
from lakehouse.anchors.local_file import copied_sizes, log_folder
from lakehouse.core.checkpoint import (
    LARGEST_NOTE,
    SignedNote,
    VerifierKey,
    keep_known,
    parse_checkpoint,
    parse_note,
    verify_note,
)
from lakehouse.errors import NotVerified, Unavailable, WrongUse

LARGEST_TILE = 8192


class LogCopy:
    """One place; `place` is an address or a folder. WrongUse for a folder that is not there and must be."""

    def __init__(self, place: str, *, must_exist: bool = True) -> None:
        self.place = place.rstrip("/")
        self._is_remote = urlsplit(place).scheme in ("http", "https")
        if must_exist and not self._is_remote and not Path(place).is_dir():
            raise WrongUse(
                "a place to compare with is neither an address nor a folder",
                remedy="give http://… of a witness or a web server, or the folder of a copy of registry/",
            )

    def head(self, log: VerifierKey, size: int | None = None) -> SignedNote | None:
        """Return the head this place has, as the log signed it; of `size` leaves, where it is a witness.

        None where it has none. Raises Unavailable; NotVerified where the log's key did not sign it.
        """
        asked = {"origin": log.name} if size is None else {"origin": log.name, "size": str(size)}
        content = self._read("checkpoint", LARGEST_NOTE * 4, asked) or self._copied_head(log, size)
        if content is None:
            return None
        try:
            note = keep_known(parse_note(content.decode("utf-8")), [log])
        except UnicodeDecodeError as error:
            raise NotVerified("what it has is not UTF-8") from error
        verify_note(note, log, verify_signature)
        head = parse_checkpoint(note.text)
        if head.origin != log.name:
            raise NotVerified("what it has is the head of another log")
        return note if size is None or head.size == size else None

    def tile(self, name: str) -> bytes:
        """Return one tile of the log; Unavailable where this place has no tiles."""
        content = self._read(name, LARGEST_TILE)
        if content is None:
            raise Unavailable(f"{self.place} has no tiles", remedy="give a copy of registry/")
        return content

    def evidence(self, origin: str) -> bytes | None:
        """Return the evidence against a log that a witness keeps, unverified."""
        return self._read("misbehaviour", LARGEST_NOTE * 4, {"origin": origin}) if self._is_remote else None

    def _copied_head(self, log: VerifierKey, size: int | None) -> bytes | None:
        """Return the newest head (or that of `size` leaves) in a folder of copies of heads."""
        if self._is_remote:
            return None
        if not Path(self.place).is_dir():
            raise Unavailable(f"the folder {self.place} is not there", remedy="make or mount it")
        folder = log_folder(log.name)
        wanted = copied_sizes(Path(self.place, folder)) if size is None else [size]
        return self._read(f"{folder}/{wanted[-1]}", LARGEST_NOTE * 4) if wanted else None

    def _read(self, name: str, largest: int, params: dict[str, str] | None = None) -> bytes | None:
        if self._is_remote:
            url = f"{self.place}/{name}"
            answer = exchange("GET", url, largest=largest, who=self.place, params=params)
            if answer.status not in (200, 404):
                raise Unavailable(f"{self.place} answered {answer.status}", remedy="check the address")
            return answer.body if answer.status == 200 else None
        path = Path(self.place, name)
        if not path.is_file():
            return None
        try:
            with path.open("rb") as file:
                return file.read(largest)
        except OSError as error:
            raise Unavailable(f"{self.place} cannot be read", remedy="check the folder") from error
