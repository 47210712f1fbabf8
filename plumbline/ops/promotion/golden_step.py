"""The challenger before any event: whole, of known features, its golden events to the bit, and fast enough. An edge."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

from plumbline.core.errors import BundleError, PlumblineError, RefusedError
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle
from plumbline.ops.promotion.promotion_run import PromotionRun
from plumbline.ops.rollback import plan
from plumbline.ops.serving import routing, takeover
from plumbline.repo import restored_outs, revisions
from plumbline.serve.routes import arms
from plumbline.serve.routes.arms import LoadedBundle

ROUNDS = 3
"""Times that the golden events are scored: the best one counts, as a machine has other work."""
SAME, NEW = "as the champion's", "new"


def check(run: PromotionRun) -> None:
    """Bring the bundle; RefusedError where an answer differs, or scoring takes too long."""
    kind = definitions(run)
    run.note("golden", definitions=kind)
    if kind == NEW:
        _needs_checkout(run)
    elif not _is_checkout(run):
        raise PlumblineError(
            f"the checkout declares other features than the running process, which {run.promotion.rev} has, too; check "
            "out a commit that has them, and promote again"
        )
    md5 = routing.bring(run.root, run.name, run.promotion.commit)
    if md5 != run.promotion.bundle:
        raise RefusedError(f"the bundle is {md5}, and dvc.lock records {run.promotion.bundle}")
    try:
        own = arms.Arms(run.usecase, run.store).admit(md5)
    except BundleError as error:
        raise RefusedError(str(error)) from None
    run.note("golden", golden_events=run.store.about(md5).golden)
    if kind == SAME:
        champion = run.loaded[run.promotion.before]
        _refuse_other_classes(own, champion)
        _refuse_slow(run, own, champion)


def definitions(run: PromotionRun) -> str:
    """Whether the running process, which has the champion's features, can score by the challenger."""
    champion = run.store.model(run.promotion.before)
    return kind_of(run.root, run.name, run.promotion.commit, champion)


def kind_of(root: Path, name: str, commit: str, champion: Path) -> str:
    """Whether a commit's bundle has the features of the champion's, `SAME`, or `NEW` ones."""
    outs = plan.bundles(revisions.outs(root, commit))
    with tempfile.TemporaryDirectory(prefix="plumbline-") as folder:
        restored_outs.restore(root, outs[name], Path(folder) / "model")
        own = takeover.features(Path(folder) / "model")
    return SAME if own == takeover.features(champion) else NEW


def _is_checkout(run: PromotionRun) -> bool:
    """Whether the checkout has the champion's features."""
    champion = bundle.load(run.store.model(run.promotion.before), run.name, threads=1)
    return admission.same_code(champion, run.usecase)


def _needs_checkout(run: PromotionRun) -> None:
    head = revisions.commit(run.root, "HEAD")
    if not run.options.replace:
        raise PlumblineError(
            f"{run.promotion.rev}: other features than the running process has, which needs a new process and can "
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
    table = run.store.golden(own.md5).events
    times = [micros(run.usecase, (own, champion), table) for _ in range(ROUNDS)]
    needed, usual = (min(one) for one in zip(*times, strict=True))
    run.note("golden", micros=round(needed, 1), champion_micros=round(usual, 1))
    if needed > run.rules.slower * usual + run.rules.spare:
        raise RefusedError(
            f"scoring a golden event takes {needed:.0f} µs, the champion {usual:.0f} µs; at most "
            f"{run.rules.slower:g} times as long and {run.rules.spare:g} µs are allowed"
        )


def micros(usecase: FeatureSet, bundles: Sequence[LoadedBundle], table: Any) -> list[float]:
    """The median time of each bundle to score one event, in turns."""
    taken: list[list[float]] = [[] for _ in bundles]
    for event, histories in zip(*arms.plain_events(usecase, table), strict=True):
        for one, times in zip(bundles, taken, strict=True):
            start = perf_counter_ns()
            one.compiled.score([event], [histories])
            times.append((perf_counter_ns() - start) / 1000)
    return [median(times) for times in taken]
