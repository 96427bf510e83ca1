"""A verb that fails says so to catalogues outside: by its code, wherever it was called from."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from lakehouse.adapters.openlineage_failures import failure_events
from lakehouse.core.canonical import timestamp
from lakehouse.errors import LivingLabError
from lakehouse.pipeline.lineage_outbox import keep_failure
from lakehouse.pipeline.site import Site

P = ParamSpec("P")
A = TypeVar("A")
R = TypeVar("R")

FAULT = "FAULT"
"""The code of what is no LivingLabError: its message could quote a row."""


def tells_failure(
    verb: str, table_of: Callable[[A], str]
) -> Callable[[Callable[Concatenate[Site, A, P], R]], Callable[Concatenate[Site, A, P], R]]:
    """Return a decorator for a verb; `table_of` names, from its first argument, what it was to write."""

    def decorate(
        work: Callable[Concatenate[Site, A, P], R],
    ) -> Callable[Concatenate[Site, A, P], R]:
        @wraps(work)
        def told(site: Site, about: A, /, *args: P.args, **kwargs: P.kwargs) -> R:
            with _told(site, verb, table_of(about)):
                return work(site, about, *args, **kwargs)

        return told

    return decorate


@contextmanager
def _told(site: Site, verb: str, table: str) -> Iterator[None]:
    """Keep START and FAIL where the block raises; a table that no contract names is what somebody typed."""
    begun, ended = timestamp(site.clock()), False
    try:
        yield
        ended = True
    finally:
        if not ended and site.lineage.wanted and site.contracts.find(table) is not None:
            with suppress(OSError):  # a full or read-only disk: what failed matters more than telling it
                keep_failure(site, _events(site, verb, table, begun))


def _events(site: Site, verb: str, table: str, begun: str) -> list[dict[str, object]]:
    raised = sys.exception()
    return [
        dict(event)
        for event in failure_events(
            origin=site.home.origin,
            version=site.code_version,
            verb=verb,
            table=table,
            code=raised.code if isinstance(raised, LivingLabError) else FAULT,
            begun=begun,
            ended=timestamp(site.clock()),
            run=site.run,
        )
    ]
