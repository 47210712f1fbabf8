"""Which features earn their cost: each is left out in turn, the least used first. Pure.

Backward elimination: a feature goes where the metric without it is no worse than by the feature's cost,
and stays gone while the next ones are tried. So the metric less the cost of all features kept never
falls. One fit per feature tried, and one of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from plumbline.core.documents import rounded
from plumbline.model.tune_result import FeatureEarning, FeatureSelection

Fit = Callable[[tuple[str, ...]], tuple[float, Mapping[str, float]]]
"""Fits a model of these features: the validation metric, and each one's total gain in the trees."""


def eliminate(
    features: Sequence[str],
    fit: Fit,
    cost: Callable[[str], float],
    *,
    higher_is_better: bool,
    max_fits: int,
) -> FeatureSelection:
    """The selection among `features`, in their order; `cost`: as a share of the metric of all.

    No more than `max_fits` models are fitted: features that are not tried stay. One feature always does.
    """
    kept, sign = tuple(features), 1.0 if higher_is_better else -1.0
    whole, gains = fit(kept)
    current = whole
    tried: list[FeatureEarning] = []
    for name in sorted(features, key=lambda one: (gains.get(one, 0.0), one)):
        if len(kept) == 1 or len(tried) + 1 >= max_fits:
            break
        without = tuple(one for one in kept if one != name)
        metric, _ = fit(without)
        earned = sign * (current - metric)
        stays = earned > cost(name) * abs(whole)
        tried.append(FeatureEarning(name=name, earned=rounded(earned), kept=stays))
        if not stays:
            kept, current = without, metric
    return FeatureSelection(
        fits=len(tried) + 1,
        metric_of_all=rounded(whole),
        metric=rounded(current),
        kept=list(kept),
        tried=tried,
    )
