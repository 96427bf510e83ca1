"""LivingLab: a lakehouse for medical data in which every step leaves a proof.

`lakehouse.connect()` opens a site for Python; nothing else is imported before it is needed, because the
models environment has few of the platform's dependencies.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lakehouse.session import connect as connect

__all__ = ["connect"]


def __getattr__(name: str) -> object:
    if name == "connect":
        from lakehouse.session import connect

        return connect
    raise AttributeError(f"module 'lakehouse' has no attribute {name!r}")
