"""Figures of a site in Prometheus' text format, with nothing in a label that could name anybody.

https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from lakehouse.errors import WrongUse

PREFIX = "livinglab_"
LABELS = frozenset(
    ("alert", "about", "dataset", "entity", "population", "product", "purpose", "reason", "table")
)
"""Every label there is: all name what contracts, policy or code name. None is a person, a file, a run."""

_NAME = re.compile(r"livinglab_[a-z0-9_]+", re.ASCII)
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Number = int | Decimal


class MetricKind(StrEnum):
    """A counter only grows; a gauge goes up and down."""

    COUNTER = "counter"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One number under its labels."""

    value: Number
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A named figure with what it means and its samples. WrongUse: a name, help or label of another form."""

    name: str
    help: str
    kind: MetricKind
    samples: tuple[Sample, ...]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or "\n" in self.help or "\\" in self.help:
            raise WrongUse("a metric's name or help is not of the form of Prometheus' text format")
        for sample in self.samples:
            if not LABELS.issuperset(sample.labels):
                raise WrongUse(f"{self.name} has a label that is not one of {', '.join(sorted(LABELS))}")

    def as_json(self) -> dict[str, object]:
        """Return the metric with decimals as text."""
        samples = [{"labels": dict(own.labels), "value": _json_number(own.value)} for own in self.samples]
        return {"name": self.name, "help": self.help, "type": str(self.kind), "samples": samples}


def counter(name: str, meaning: str, samples: Iterable[Sample]) -> Metric:
    """Return `livinglab_<name>_total`."""
    return Metric(name=f"{PREFIX}{name}_total", help=meaning, kind=MetricKind.COUNTER, samples=tuple(samples))


def gauge(name: str, meaning: str, samples: Iterable[Sample]) -> Metric:
    """Return `livinglab_<name>`."""
    return Metric(name=f"{PREFIX}{name}", help=meaning, kind=MetricKind.GAUGE, samples=tuple(samples))


def sample(value: Number, **labels: str) -> Sample:
    """Return one number under its labels."""
    return Sample(value=value, labels=labels)


def shown_count(count: int, *, minimum: int, step: int) -> int | None:
    """Return a count that may concern people, to the nearest `step`; None from 1 to below `minimum`.

    Rounding keeps a small count from standing in the difference of two large ones.
    """
    if 0 < count < minimum:
        return None
    return (count + step // 2) // step * step


def render_metrics(metrics: Iterable[Metric]) -> str:
    """Return the text format: HELP, TYPE and samples of each metric that has any."""
    return "".join(_render(metric) for metric in metrics if metric.samples)


def _render(metric: Metric) -> str:
    head = f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
    return head + "".join(f"{metric.name}{_labels(own)} {_text(own.value)}\n" for own in metric.samples)


def _labels(own: Sample) -> str:
    pairs = ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in sorted(own.labels.items()))
    return f"{{{pairs}}}" if pairs else ""


def _text(value: Number) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _json_number(value: Number) -> int | str:
    return _text(value) if isinstance(value, Decimal) else value
