"""The watcher of the drop zone: runs in Airflow's triggerer and wakes a source DAG when files have come.

An event names the data set and nothing else: Airflow shows events to everyone who may sign in.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from livinglab_airflow.landing_files import DropZoneWatch

POLL_SECONDS = 5.0
REST = 10
"""How many times longer than a look took is the pause after it: a million files do not keep it busy."""


class LandingTrigger(BaseEventTrigger):
    """Fires once for each burst of files of a data set that has come to rest in `landing/`.

    After a restart it fires again for files that still lie there: taking them in twice is a no-op.
    """

    def __init__(self, *, dataset: str, folders: Sequence[str], patterns: Sequence[str]) -> None:
        super().__init__()
        self.dataset = dataset
        self.folders = list(folders)
        self.patterns = list(patterns)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return class and arguments: what Airflow keeps of the trigger, no path of this machine."""
        kept = {"dataset": self.dataset, "folders": self.folders, "patterns": self.patterns}
        return f"{type(self).__module__}.{type(self).__qualname__}", kept

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look every few seconds; a folder that cannot be read is said once and looked at again."""
        landing = Path(os.environ["LIVINGLAB_HOME"], "landing")
        watch = DropZoneWatch(folders=[landing / name for name in self.folders], patterns=self.patterns)
        readable = True
        while True:
            began = time.monotonic()
            try:
                arrived = await asyncio.to_thread(watch.look)
                readable = True
            except OSError as error:
                arrived = False
                if readable:
                    self.log.warning(
                        "the drop zone of %s cannot be read: errno %s", self.dataset, error.errno
                    )
                readable = False
            if arrived:
                yield TriggerEvent({"dataset": self.dataset})
            await asyncio.sleep(max(POLL_SECONDS, REST * (time.monotonic() - began)))
