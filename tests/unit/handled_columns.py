"""Columns and contexts for tests of methods: one column of text, people ann and ben."""

from collections.abc import Mapping

import pyarrow as pa

from lakehouse.adapters.person_secrets import PersonSecrets
from lakehouse.adapters.presidio_detector import Detector, Finding
from lakehouse.core.contract import Column, ColumnType, Handling, Sensitivity
from lakehouse.methods.context import MethodContext


def column(method: str, kind: str = "text", *, changes: Mapping[str, object] = {}, **parameters) -> Column:
    """Return a silver column `x` that is handled by `method` with these parameters."""
    fields = {
        "name": "x",
        "source": "x",
        "type": ColumnType(kind),
        "sensitivity": Sensitivity.QUASI,
        "handling": Handling(method=method, parameters=parameters),
    }
    return Column(**fields | dict(changes))


def secrets_of(*subjects: str) -> PersonSecrets:
    """Return secrets of these subjects that follow from their names."""
    return PersonSecrets(lambda: {name: name.encode().ljust(32) for name in subjects})


class FoundPlaces(Detector):
    """A detector that reports fixed places, so that redaction is tested without a model."""

    def __init__(self, *found: tuple[str, str]) -> None:
        super().__init__()
        self._found = found

    def find_in_texts(self, texts, language="en"):
        return [[*self._places(text or "")] for text in texts]

    def _places(self, text):
        for entity, value in self._found:
            start = text.find(value)
            if start >= 0:
                yield Finding(
                    entity=entity,
                    start=start,
                    end=start + len(value),
                    score=0.9,
                    detector="test",
                    version="1",
                    reason="told",
                )


def context(subjects, detector=None, identifiers=None, **columns) -> MethodContext:
    """Return the context of rows of these subjects with further columns."""
    return MethodContext(
        table="silver.x",
        subjects=pa.array(subjects, pa.string()),
        rows=pa.table(columns or {"x": pa.nulls(len(subjects))}),
        secrets=secrets_of(*{name for name in subjects if name}),
        detector=detector or Detector(),
        identifiers=identifiers or {},
    )
