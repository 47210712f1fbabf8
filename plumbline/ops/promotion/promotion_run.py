"""A promotion under way: what its steps need, and its record, saved before and after each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from plumbline.core import usecase_loader
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.ops.promotion import promotion_document, promotion_records
from plumbline.ops.promotion.promotion_document import (
    Promotion,
    PromotionStep,
    StepName,
    StepStatus,
)
from plumbline.ops.serving import places, routing
from plumbline.serve.promote_params import Promote
from plumbline.serve.routes.arms import Arms, LoadedBundle
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.document import Routes


@dataclass(frozen=True)
class PromotionOptions:
    """What a command adds to the rules. `load`: a load test's record; `replace`: new definitions may take over.

    `pause`: seconds between looks.
    """

    load: Path | None = None
    replace: bool = False
    pause: float = 1.0


class PromotionRun:
    """One promotion. `promotion` is what stands on disk."""

    def __init__(
        self,
        root: Path,
        rules: Promote,
        promotion: Promotion,
        options: PromotionOptions,
        progress: Callable[[str], None],
    ) -> None:
        self.root, self.rules, self.options = root, rules, options
        self.promotion, self.progress = promotion, progress

    @property
    def name(self) -> str:
        """The use case's."""
        return self.promotion.usecase

    @cached_property
    def usecase(self) -> FeatureSet:
        """As the checkout declares it."""
        return usecase_loader.load_features(self.name)

    @property
    def store(self) -> BundleStore:
        """The service's bundles."""
        return BundleStore(places.folder(self.root, self.name))

    @cached_property
    def loaded(self) -> Mapping[str, LoadedBundle]:
        """Challenger and champion, admitted; BundleError where a golden event differs."""
        arms = Arms(self.usecase, self.store)
        return {md5: arms.admit(md5) for md5 in (self.promotion.bundle, self.promotion.before)}

    def save(self, **changes: Any) -> None:
        """Change the record, and write it."""
        self.promotion = promotion_records.save(
            self.root, self.promotion.model_copy(update=changes)
        )

    def begin(self, name: StepName) -> None:
        """A step begins, unless it was begun before a kill."""
        known = self.promotion.step(name)
        if known is None or known.status != "running":
            self._put(promotion_records.begun(name))

    def note(self, name: StepName, **evidence: Any) -> None:
        """Add to a step's evidence."""
        step = self._own(name)
        self._put(step.model_copy(update={"evidence": {**step.evidence, **evidence}}))

    def evidence(self, name: StepName) -> Mapping[str, Any]:
        """What a step noted; {} of one that has not begun."""
        step = self.promotion.step(name)
        return step.evidence if step else {}

    def end(self, name: StepName, status: StepStatus, reason: str = "") -> None:
        """A step ends: first in the audit log, once, then in the record."""
        step = self._own(name).model_copy(
            update={"status": status, "reason": reason, "ended": promotion_records.now()}
        )
        promotion_records.audit(self.root, self.promotion, name, status, reason)
        self._put(step)
        self.progress(promotion_document.line(step))

    def routes(self) -> Routes:
        """Those that answer now; PlumblineError where no service of the use case runs."""
        return Routes.model_validate(self.state()["routes"])

    def state(self) -> dict[str, Any]:
        """What the running service says of its routes; PlumblineError where none runs."""
        state = routing.show(self.root, self.name)
        if not state.get("served"):
            raise PlumblineError(
                f"no service of {self.name} runs here; start it with `plumbline serve {self.name}`"
            )
        return state

    def change(self, **request: Any) -> dict[str, Any]:
        """Change the routes."""
        return routing.change(self.root, self.name, request)

    def wait(self) -> None:
        """Until the next look."""
        time.sleep(self.options.pause)

    def _own(self, name: StepName) -> PromotionStep:
        return self.promotion.step(name) or promotion_records.begun(name)

    def _put(self, step: PromotionStep) -> None:
        self.save(steps=self.promotion.with_step(step).steps)
