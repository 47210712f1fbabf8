"""What a what-if is made of, from the command's words: bundle, thresholds, costs, labels. An edge: reads files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from plumbline import config
from plumbline.core.usecase import FeatureSet
from plumbline.ops.replay import alternatives, labels, money, pricing, row_sources
from plumbline.ops.replay.alternatives import Alternative
from plumbline.ops.replay.bundles import Bundles
from plumbline.ops.replay.day_range import DayRange
from plumbline.ops.replay.pricing import Pricing
from plumbline.ops.replay.replay_document import ChangedDecisions, WhatIf
from plumbline.ops.replay.row_sources import RowSources
from plumbline.ops.replay.what_if import WhatIfCounts
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.runtime import dvc_yaml
from plumbline.train.params import Train


@dataclass(frozen=True)
class WhatIfOptions:
    """Another bundle, thresholds, costs, as they were typed. `until`: labels known before this day; None: all."""

    model: str | None = None
    thresholds: Sequence[str] = ()
    costs: Sequence[str] = ()
    until: date | None = None

    @property
    def wanted(self) -> bool:
        """Whether there is a what-if at all."""
        return bool(self.model or self.thresholds or self.costs)


@dataclass(frozen=True)
class WhatIfContext:
    """An open what-if: `no_money` says why nothing has a price."""

    counts: WhatIfCounts
    until: date
    no_money: str
    repriced: bool

    def document(self) -> WhatIf:
        """What was counted, once all rows are through."""
        counts, events = self.counts, self.counts.decided()
        priced, answered = counts.pricing, counts.events - counts.unanswered
        pairs = sorted(counts.pairs.items(), key=lambda pair: (-pair[1], pair[0]))
        return WhatIf(
            way=counts.alternative.words + (", other costs" if self.repriced else ""),
            events=counts.events,
            unanswered=counts.unanswered,
            note="; ".join(note for note, _ in counts.notes.most_common(3)),
            changed=sum(count for (a, b), count in pairs if a != b),
            score_moved=counts.moved / answered if answered else None,
            decisions=[ChangedDecisions(logged=a, other=b, events=n) for (a, b), n in pairs],
            money=money.changed(counts.usecase, events, priced, self.until, repriced=self.repriced)
            if events and priced
            else None,
            no_money=self.no_money if events else "no event can be answered this way",
        )


@contextmanager
def opened(
    root: Path,
    usecase: FeatureSet,
    sources: RowSources,
    bundles: Bundles,
    options: WhatIfOptions,
    scratch: Path,
) -> Iterator[WhatIfContext]:
    """The what-if of these rows; PlumblineError where bundle, thresholds or costs are none."""
    bundle = bundles.named(options.model) if options.model else None
    cuts = alternatives.parsed(options.thresholds)
    if bundle:
        alternatives.check(bundle.bundle, cuts)
    train = _train(root, usecase.name)
    declared = pricing.declared(usecase, train) if train else "params.yaml has no costs of it"
    priced = pricing.changed(usecase, declared, options.costs) if options.costs else declared
    until = options.until or _until(root, usecase.name)
    valid = _valid(root, usecase.name)
    with labels.opened(usecase, sources, valid, until, scratch) as known:
        own, before = (p if isinstance(p, Pricing) else None for p in (priced, declared))
        counts = WhatIfCounts(
            usecase, Alternative(bundle, cuts), known, own, before, _withhold(root, usecase.name)
        )
        yield WhatIfContext(
            counts, until, priced if isinstance(priced, str) else "", bool(options.costs)
        )


def _params(root: Path, name: str) -> config.UseCaseParams | None:
    path = root / config.FILE
    return config.load(name, path) if path.is_file() else None


def _train(root: Path, name: str) -> Train | None:
    params = _params(root, name)
    return params.train if params else None


def _withhold(root: Path, name: str) -> frozenset[str]:
    """The decisions that withhold the label, as `serve.withhold` names them."""
    params = _params(root, name)
    return frozenset(getattr(params.serve if params else None, "withhold", None) or ("block",))


def _until(root: Path, name: str) -> date:
    """The day after the last one of which anything is known."""
    every = row_sources.found(root, name, DayRange()).days
    last = every[-1] + timedelta(days=1)
    params = _params(root, name)
    as_of = params.data.as_of if params else None
    return max(last, as_of) if as_of else last


def _valid(root: Path, name: str) -> Path | None:
    """The folder with the outcomes of the data, where there is one."""
    if not (root / dvc_yaml.FILE).is_file():
        return None
    relative = artifacts.declared(name, Role.VALID_EVENTS, root)
    return root / relative if relative and (root / relative).is_dir() else None
