"""How a metric changed from base to head: its figures as a table's cells, and in a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plumbline.metrics.metrics import ZERO_IS_BEST
from plumbline.report.metric_titles import metric_title, metric_unit
from plumbline.report.numbers import NONE, decimal_places, fixed
from plumbline.review.comparison_sections import PairedFigure

CELLS = ("base", "head", "difference", "interval", "verdict")
"""Titles of `MetricChange.cells`."""
DIGITS = 3
"""Significant digits of the largest figure of a change; its interval has two at least."""


@dataclass(frozen=True)
class MetricChange:
    """A metric of both models in its unit, with one number of decimals in all its figures."""

    metric: str
    unit: str
    paired: PairedFigure
    decimals: int

    @property
    def title(self) -> str:
        """The metric's name; of one that is best at zero its size is compared."""
        title = metric_title(self.metric)
        return f"size of {title}" if self.metric in ZERO_IS_BEST else title

    @property
    def cells(self) -> tuple[str, ...]:
        """Base, head, difference, its interval and the verdict."""
        change = self.paired.difference
        difference = self._text(change.value, sign=True)
        return (*self._figures(), difference, self.interval or NONE, change.word)

    @property
    def interval(self) -> str:
        """The interval of the difference, "" where there is none."""
        low, high = self.paired.difference.low, self.paired.difference.high
        if low is None or high is None:
            return ""
        return f"{self._text(low, sign=True)} to {self._text(high, sign=True)}"

    @property
    def sentence(self) -> str:
        """From what to what the metric went.

        >>> from plumbline.review.comparison_sections import Difference
        >>> difference = Difference(value=0.21, low=0.1, high=0.32, word="worse")
        >>> paired = PairedFigure(base=3.57, head=3.78, difference=difference)
        >>> change("mae", paired, {"label": "minutes"}).sentence
        'mean absolute error rose from 3.57 to 3.78 minutes'
        """
        value = self.paired.difference.value or 0.0
        base, head = self._figures()
        verb = "stayed at" if base == head else "rose from" if value > 0 else "fell from"
        figures = base if base == head else f"{base} to {head}"
        unit = self.unit if self.unit == "%" else f" {self.unit}" if self.unit else ""
        return f"{self.title} {verb} {figures}{unit}"

    def evidence(self, level: float | None = None) -> str:
        """The interval of the difference in brackets, with its level where that is given."""
        if not self.interval:
            return "(too few rows for an interval)"
        return f"({f'{level:.0%} ' if level else ''}interval of the difference: {self.interval})"

    def _figures(self) -> list[str]:
        return [self._text(value) for value in (self.paired.base, self.paired.head)]

    def _text(self, value: float | None, *, sign: bool = False) -> str:
        return fixed(value, self.decimals, sign=sign)


def change(
    metric: str, paired: PairedFigure, units: Mapping[str, str], decimals: int | None = None
) -> MetricChange:
    """The change in the metric's own unit, shares in per cent; with so many `decimals` where given."""
    unit = metric_unit(metric, units)
    scaled = _scaled(paired, 100.0 if unit == "%" else 1.0, sizes=metric in ZERO_IS_BEST)
    return MetricChange(metric, unit, scaled, _decimals(scaled) if decimals is None else decimals)


def _scaled(paired: PairedFigure, factor: float, *, sizes: bool) -> PairedFigure:
    both = {side: _times(getattr(paired, side), factor) for side in ("base", "head")}
    if sizes:
        both = {side: value if value is None else abs(value) for side, value in both.items()}
    ends = {
        end: _times(getattr(paired.difference, end), factor) for end in ("value", "low", "high")
    }
    return paired.model_copy(
        update={**both, "difference": paired.difference.model_copy(update=ends)}
    )


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _decimals(paired: PairedFigure) -> int:
    apart = paired.difference
    ends = [apart.low, apart.high] if apart.low is not None else [apart.value]
    figures = [paired.base, paired.head, apart.value, *ends]
    return max(decimal_places(figures, DIGITS), decimal_places(ends, DIGITS - 1))
