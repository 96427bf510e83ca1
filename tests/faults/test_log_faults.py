"""An append to the log whose file system calls fail or kill: 0 inconsistent logs, 0 acknowledged leaves lost.

Every call is drilled by `make drills`; here is a part of them, and the proof that the drill would notice.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drills.append_server import ACKNOWLEDGED_FIRST
from tests.drills.injections import AppendServer, why_no_strace
from tests.drills.log_faults import LAST_OF_A_TILE, ORDINARY, SITE_FILE, drill, make_log, unsynced

pytestmark = pytest.mark.skipif(why_no_strace() is not None, reason=str(why_no_strace()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        made = tmp_path_factory.mktemp("faults")
        patch.setenv("LIVINGLAB_KEYS", str(made / "keys"))
        yield made


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[AppendServer]:
    """The server reads LIVINGLAB_KEYS when it starts."""
    with AppendServer() as started:
        yield started


@pytest.mark.parametrize(("size", "every"), [(ORDINARY, 7), (LAST_OF_A_TILE, 24)])
def test_an_append_that_fails_or_dies_anywhere_leaves_one_sound_log(
    server: AppendServer, folder: Path, size: int, every: int
) -> None:
    faults = list(drill(server, folder, size, every=every))
    assert [fault for fault in faults if fault.problems] == []
    assert sum(fault.append.injected for fault in faults) >= 20


@pytest.mark.parametrize(
    ("broken", "only"),
    [
        ("files are written in place", "write"),
        ("the head is written before the tiles", "rename"),
        ("entry and record are two transactions", "fdatasync"),
        (ACKNOWLEDGED_FIRST, "fdatasync"),
    ],
)
def test_the_drill_notices_a_broken_append(
    server: AppendServer, folder: Path, broken: str, only: str
) -> None:
    assert any(fault.problems for fault in drill(server, folder, ORDINARY, only=only, broken=broken))


def test_what_is_acknowledged_is_on_disk_with_its_name(server: AppendServer, folder: Path) -> None:
    """A kill leaves the system's own memory standing, a power cut does not: so the calls are looked at."""
    for size in (ORDINARY, LAST_OF_A_TILE):
        home = make_log(folder / "synced", size)
        assert unsynced(server.append(home, home.with_name(SITE_FILE)).trace) == []


def test_an_append_that_syncs_nothing_is_noticed(server: AppendServer, folder: Path) -> None:
    home = make_log(folder / "unsynced", ORDINARY)
    assert unsynced(server.append(home, home.with_name(SITE_FILE), broken="nothing is synced").trace) != []
