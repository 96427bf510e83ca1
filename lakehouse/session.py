"""LivingLab from Python: what `lakehouse.connect` returns (INTERFACE, Python)."""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.core.answer import Answer
from lakehouse.core.question import Question
from lakehouse.pipeline import answer as answering
from lakehouse.pipeline import catalogue
from lakehouse.pipeline.budget import budget_rows
from lakehouse.pipeline.query import QueryResult, query
from lakehouse.pipeline.settle import settle_head
from lakehouse.pipeline.site import Site
from lakehouse.sites import open_site

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


def connect(
    home: str | Path | None = None,
    site: str | Path | None = None,
    purpose: str = "research",
    actor: str | None = "analyst",
) -> "LabSession":
    """Open a home for one purpose under one name; `actor=None` takes all roles of the account.

    Raises:
        NotReady: there is no home. NotAllowed: the account may not act under that name.
        Refused: the policy knows no such purpose.
    """
    opened = open_site(Path(site) if site else None, Path(home) if home else None, actor)
    opened.policy.purpose(purpose)
    return LabSession(site=opened, purpose=purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRows:
    """The rows of a query, in the form the caller works with."""

    result: QueryResult

    @property
    def release(self) -> str | None:
        """The releases read, as `query --json` names them."""
        return self.result.release

    @property
    def receipt(self) -> str | None:
        """What `livinglab prove` takes to prove the tables read."""
        return self.result.receipt

    def arrow(self) -> "pa.Table":
        """Return a pyarrow Table."""
        return self.result.rows

    def df(self) -> "pd.DataFrame":
        """Return a pandas DataFrame."""
        return self.result.rows.to_pandas()

    def pl(self) -> "pl.DataFrame":
        """Return a polars DataFrame."""
        import polars

        return polars.from_arrow(self.result.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSession:
    """A site opened for one purpose."""

    site: Site
    purpose: str

    def tables(self, layer: str | None = None) -> list[dict[str, object]]:
        """Return the tables as `livinglab tables --json` does."""
        return catalogue.list_tables(self.site, layer)

    def describe(self, table: str) -> dict[str, object]:
        """Return a table's contract as `livinglab describe --json` does."""
        return catalogue.describe_table(self.site, table)

    def sql(self, text: str, *, as_of: int | None = None) -> QueryRows:
        """Run one SELECT over published gold tables; see `pipeline.query` for what it refuses."""
        result = query(self.site, text, purpose=self.purpose, as_of=as_of)
        return QueryRows(result=result)

    def preview(
        self,
        stat: str,
        column: str | None = None,
        *,
        on: str,
        by: str | Iterable[str] = (),
        where: str | Mapping[str, str] | Iterable[str] = (),
        bounds: Iterable[object] | None = None,
        epsilon: str | Decimal,
    ) -> Answer:
        """Return cost and expected accuracy; reads no data, charges nothing."""
        question = Question.of(
            stat, column, on=on, by=by, where=where, bounds=bounds, epsilon=epsilon, purpose=self.purpose
        )
        return answering.preview(self.site, question)

    def ask(
        self,
        stat: str,
        column: str | None = None,
        *,
        on: str,
        by: str | Iterable[str] = (),
        where: str | Mapping[str, str] | Iterable[str] = (),
        bounds: Iterable[object] | None = None,
        epsilon: str | Decimal,
    ) -> Answer:
        """Return a private answer and charge `epsilon` for it, once; see `pipeline.answer.answer`."""
        question = Question.of(
            stat, column, on=on, by=by, where=where, bounds=bounds, epsilon=epsilon, purpose=self.purpose
        )
        answer = answering.answer(self.site, question)
        settle_head(self.site, lambda sentence: warnings.warn(sentence, stacklevel=4))
        return answer

    def budget(self, on: str | None = None) -> list[dict[str, object]]:
        """Return what answers have cost and what is left, as `livinglab budget --json` does."""
        return [row.as_json() for row in budget_rows(self.site, on)]
