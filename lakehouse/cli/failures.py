"""What goes wrong outside our own rules, as one of our errors: disk, databases, anything unforeseen."""

import errno
import sqlite3
import traceback

from lakehouse.errors import Damaged, LivingLabError, NotReady, Unavailable, WrongUse

INTERRUPTED = 130
PIPE_CLOSED = 141

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_DAMAGED_DATABASE = ("malformed", "not a database", "disk image", "no such table", "no such column")


class InternalError(LivingLabError):
    """A fault of LivingLab itself; says the kind and the place, never the values."""

    code, exit_code = "INTERNAL", 1


def explain_failure(error: BaseException) -> LivingLabError:
    """Return the error that says what happened and what helps; the original text is not repeated.

    Texts of foreign errors may hold a value of a person or the name of an input file.
    """
    found = _known_cause(error)
    return found if found is not None else _unforeseen(error)


def _known_cause(error: BaseException) -> LivingLabError | None:
    """Walk the chain of causes to one that we can name."""
    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return None
        named = _explain_one(seen)
        if named is not None:
            return named
        seen = getattr(seen, "orig", None) or seen.__cause__ or seen.__context__
    return None


def _explain_one(error: BaseException) -> LivingLabError | None:
    match error:
        case LivingLabError():
            return error
        case sqlite3.DatabaseError():
            return _explain_database(str(error))
        case ModuleNotFoundError() if not (error.name or "").startswith("lakehouse"):
            module = (error.name or "?").partition(".")[0]
            return NotReady(f"the Python package {module!r} is not installed", remedy="make platform")
        case MemoryError():
            return Unavailable(
                "there is not enough memory", remedy="close other programs or land fewer files"
            )
        case OSError():
            return _explain_os(error)
    return None


def _explain_database(text: str) -> LivingLabError:
    if any(sign in text for sign in _DAMAGED_DATABASE):
        return Damaged("a database of the home cannot be read", remedy="livinglab fsck says what is damaged")
    if "readonly" in text:
        return Unavailable("a database of the home is read-only", remedy="check the modes of the home folder")
    if "full" in text:
        return no_space()
    return Unavailable(
        "a database of the home cannot be used now", remedy="another process may hold it: try again"
    )


def _explain_os(error: OSError) -> LivingLabError | None:
    if error.errno in _DISK_FULL:
        return no_space()
    if error.errno == errno.EROFS:
        return Unavailable("the disk is read-only", remedy="choose a writable --home, LIVINGLAB_KEYS or -o")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Unavailable(
            "this account may not read or write a file that is needed",
            remedy="check owner and modes of the home, the keys folder and the paths given",
        )
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return Unavailable("too many files are open", remedy="raise the limit: ulimit -n 4096")
    if error.errno == errno.ENAMETOOLONG:
        return WrongUse("a path is too long", remedy="choose a shorter --home or -o")
    return None


def no_space() -> Unavailable:
    """Return the error that says that the disk is full."""
    return Unavailable(
        "there is no space left on the disk", remedy="free some space, then run the command again"
    )


def _unforeseen(error: BaseException) -> InternalError:
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "lakehouse" in frame.filename]
    place = own[-1] if own else (frames[-1] if frames else None)
    where = "" if place is None else f" in {place.name} ({_module_path(place.filename)}:{place.lineno})"
    return InternalError(
        f"{type(error).__name__}{where}: this is a fault of LivingLab",
        remedy="LIVINGLAB_DEBUG=1 shows the traceback (it may hold personal data: do not share it)",
    )


def _module_path(filename: str) -> str:
    """Return a path from the package on, not from the root of this machine."""
    _, found, inside = filename.rpartition("/lakehouse/")
    return f"lakehouse/{inside}" if found else filename.rpartition("/")[2]
