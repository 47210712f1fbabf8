"""Labels of events that decisions withhold: left out of comparisons over time, in both windows alike. Pure.

Where the service blocks what scores highest, labels of these events no longer come, and a model that is as good as
ever would look worse than before the service began. What the decision lets pass is compared with what it would
have let pass.
"""

from __future__ import annotations

import numpy as np

from plumbline.core.declarations import Array
from plumbline.core.usecase import UseCase
from plumbline.model.bundle import Bundle
from plumbline.monitor.served import label_feedback
from plumbline.monitor.served.label_feedback import LabelFeedback
from plumbline.monitor.served.served_rows import MatchedRows, SealedRows, matched, places
from plumbline.monitor.window import ScoredWindow


def without(
    usecase: UseCase,
    model: Bundle,
    sealed: SealedRows | None,
    windows: tuple[ScoredWindow, ScoredWindow],
) -> tuple[ScoredWindow, ScoredWindow]:
    """Both windows without the labels of events whose decision withholds them, also of those that passed by chance.

    An event that was not served counts by what this commit's `model` decides. Nothing changes where no label was
    withheld.
    """
    if sealed is None:
        return windows
    served = [matched(sealed.rows.live(), window, usecase.key) for window in windows]
    last = windows[1].last
    feedback = [label_feedback.feedback(one, usecase.delay_days, last) for one in served]
    names = {str(name) for of in feedback for name in set(of.policy[of.withheld].tolist())}
    if not names:
        return windows
    pairs = zip(windows, served, feedback, strict=True)
    masks = [_mask(usecase, model, *pair, names) for pair in pairs]
    past, now = windows
    named = bool(masks[0].any()) or len(served[0]) > 0
    before = masks[0] if named else _highest(past.score, masks[1].mean())
    return past.withhold(before), now.withhold(masks[1])


def _mask(
    usecase: UseCase,
    model: Bundle,
    window: ScoredWindow,
    served: MatchedRows,
    of: LabelFeedback,
    names: set[str],
) -> Array:
    """Events whose decision is one of `names`, bool (n,)."""
    mask = np.isin(decided(model, window).astype(str), sorted(names))
    own = of.withheld | of.passed | np.isin(of.policy.astype(str), sorted(names))
    mask[places(served.rows.key, window.columns[usecase.key])] = own
    return mask


def _highest(score: Array, share: float) -> Array:
    """As large a share of the highest scores: where this model makes no decision of that name."""
    return (
        score > np.quantile(score, 1 - share)
        if share and len(score)
        else np.zeros(len(score), bool)
    )


def decided(model: Bundle, window: ScoredWindow) -> Array:
    """What the model decides about a window's events, as a service logs it, object (n,)."""
    policy = model.decisions_of(window.columns, window.answer)
    if policy is not None:
        return policy
    if model.classes:
        return model.decide(window.answer)
    if model.threshold is None:
        return np.full(window.rows, "", object)
    return np.where(window.score >= model.threshold, "alarm", "none").astype(object)
