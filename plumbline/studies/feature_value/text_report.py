"""The features' value as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plumbline.studies.feature_value.feature_value_document import (
    FeatureValueStudy,
    FeatureWorth,
)

HEAD = (
    f"{'feature':28} {'kind':9} {'gain':>6} {'won':>6} {'loss':>8} {'missed':>6} "
    f"{'µs/row':>8} {'µs/request':>11}  sources"
)


def lines(result: FeatureValueStudy) -> Iterator[str]:
    """The table, a line per feature."""
    yield HEAD
    for feature in result.features:
        yield _line(feature, result.seeds)


def against(result: FeatureValueStudy, expensive: Sequence[str]) -> Iterator[str]:
    """Which features to drop, and why; nothing where all are worth their cost. `expensive`: in words."""
    useless = [f.name for f in result.features if not f.earns]
    if useless:
        yield f"no better than noise: {', '.join(useless)}; drop them"
    if expensive:
        yield f"too expensive: {'; '.join(expensive)}"


def _line(feature: FeatureWorth, seeds: int) -> str:
    return (
        f"{feature.name:28} {feature.kind:9} {feature.gain:6.1%} "
        f"{feature.won:>2} of {seeds} {feature.loss:8.4f} {feature.missed:>6} "
        f"{feature.us_per_row:8.4f} {feature.us_per_request:11.2f}  "
        f"{', '.join(feature.sources)}"
    )
