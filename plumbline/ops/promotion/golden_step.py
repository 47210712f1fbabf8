"""The challenger before any event: whole, of known features, its golden events to the bit, and fast enough. An edge."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

from plumbline.core.errors import BundleError, PlumblineError, RefusedError
from plumbline.model import bundle, usecase_file
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.rollback import plan
from plumbline.ops.serving import routing, takeover
from plumbline.repo import artifacts, restored_outs, revisions
from plumbline.repo.artifacts import Role
from plumbline.serve.routes import arms, other_features
from plumbline.serve.routes.arms import LoadedBundle

ROUNDS = 3
"""Times that the golden events are scored: the best one counts, as a machine has other work."""
SAME, BESIDE, NEW = "as the champion's", "others, beside the champion's", "new"
"""`BESIDE`: the running process keeps histories for both. `NEW`: a new process has to take over."""


def check(run: PromotionRun) -> None:
    """Bring the bundle; RefusedError where an answer differs, or scoring takes too long."""
    kind = definitions(run)
    run.note("golden", definitions=kind)
    if kind == NEW:
        _needs_checkout(run)
    md5 = routing.bring(run.root, run.name, run.promotion.commit)
    if md5 != run.promotion.bundle:
        raise RefusedError(f"the bundle is {md5}, and dvc.lock records {run.promotion.bundle}")
    try:
        own = arms.Arms(run.usecase, run.store).admit(md5)
    except BundleError as error:
        raise RefusedError(str(error)) from None
    run.note("golden", golden_events=run.store.about(md5).golden)
    if kind != NEW:
        champion = run.loaded[run.promotion.before]
        _refuse_other_classes(own, champion)
        _refuse_slow(run, own, champion)


def definitions(run: PromotionRun) -> str:
    """Whether the running process can score by the challenger, and beside the champion."""
    champion = run.store.model(run.promotion.before)
    kind = kind_of(run.root, run.name, run.promotion.commit, champion)
    return NEW if kind == BESIDE and run.options.replace else kind


def kind_of(root: Path, name: str, commit: str, champion: Path) -> str:
    """Whether a commit's bundle has the features of the champion's, `SAME`, or others, `BESIDE` or `NEW`."""
    outs = revisions.outs(root, commit)
    tiles = artifacts.by_usecase(outs, Role.TILES).get(name)
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        model = Path(folder) / "model"
        restored_outs.restore(root, plan.bundles(outs)[name], model)
        if takeover.features(model) == takeover.features(champion):
            return SAME
        one, other = (bundle.described(path)[1] for path in (model, champion))
        if one is None or other is None or tiles is None:
            return NEW
        apart = other_features.differences(usecase_file.stub(one), usecase_file.stub(other))
        return NEW if next(apart, None) else BESIDE


def _needs_checkout(run: PromotionRun) -> None:
    head = revisions.commit(run.root, "HEAD")
    if not run.options.replace:
        raise PlumblineError(
            f"{run.promotion.rev}: another contract than the running process has, which needs a new process and can "
            "have no canary beside the old one: add --replace, which lets `plumbline serve --replace` take over"
        )
    if head != run.promotion.commit:
        raise PlumblineError(
            f"{run.promotion.rev}: other features than the running process has; HEAD is {head[:9]}: check out "
            f"{run.promotion.commit[:9]} and its outs (`git checkout`, `dvc checkout`), then promote with --replace"
        )


def _refuse_other_classes(own: LoadedBundle, champion: LoadedBundle) -> None:
    classes, known = own.scorer.bundle.classes, champion.scorer.bundle.classes
    if classes != known:
        raise RefusedError(
            f"the bundle has classes {classes or 'none'}, the champion {known or 'none'}: their answers cannot be compared"
        )


def _refuse_slow(run: PromotionRun, own: LoadedBundle, champion: LoadedBundle) -> None:
    """RefusedError where the median golden event takes longer than the rules allow, in the best of some rounds."""
    tables = [(one, run.store.golden(one.md5).events) for one in (own, champion)]
    times = [micros(tables) for _ in range(ROUNDS)]
    needed, usual = (min(one) for one in zip(*times, strict=True))
    run.note("golden", micros=round(needed, 1), champion_micros=round(usual, 1))
    if needed > run.rules.slower * usual + run.rules.spare:
        raise RefusedError(
            f"scoring a golden event takes {needed:.0f} µs, the champion {usual:.0f} µs; at most "
            f"{run.rules.slower:g} times as long and {run.rules.spare:g} µs are allowed"
        )


def micros(tables: Sequence[tuple[LoadedBundle, Any]]) -> list[float]:
    """The median time of each bundle to score one event of its table, in turns."""
    taken: list[list[float]] = [[] for _ in tables]
    given = [zip(*arms.plain_events(one.scorer.usecase, t), strict=True) for one, t in tables]
    for turn in zip(*given, strict=False):
        for (event, histories), (one, _), times in zip(turn, tables, taken, strict=True):
            start = perf_counter_ns()
            one.compiled.score([event], [histories])
            times.append((perf_counter_ns() - start) / 1000)
    return [median(times) for times in taken]
