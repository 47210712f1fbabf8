"""The section of evaluate.json on the worst subgroups, and why the model may be worse on them."""

from __future__ import annotations

from plumbline.core.documents import Document, SparseDocument
from plumbline.metrics.interval import Interval


class SharedTrait(Document):
    """A condition that holds on this share of a subgroup's rows, and on that of the others."""

    condition: str
    inside: float
    outside: float


class MissedInteraction(Interval):
    """What two conditions together add to the residual beyond what each adds alone.

    `trees`: of how many (`of`) a path splits on both columns; null where the bundle shows no trees.
    """

    columns: list[str]
    trees: int | None
    of: int | None
    missed: bool


class CoarseColumn(Interval):
    """The residual of a subgroup's upper half by a column, less that of its lower half.

    `splits`: distinct thresholds of the trees between its values, of all that they have (`of`).
    """

    column: str
    splits: int | None
    of: int | None
    coarse: bool


class SubgroupReasons(Document):
    """Why the model may be worse on a subgroup; residuals are label minus answer.

    `share`, `a_day`: rows of the window, and rows a day. `shared`: what its rows have in common.
    """

    share: float
    a_day: float | None
    residual: Interval
    elsewhere: float | None
    shared: list[SharedTrait]
    interaction: MissedInteraction | None
    coarse: list[CoarseColumn]


class Subgroup(SparseDocument):
    """One of the worst subgroups: losses, chances, and the primary metric."""

    rule: str
    rows: int
    excess: float
    elsewhere: float
    chance: float
    corrected: float
    confirmed: bool
    average_precision: Interval | None = None
    mae: Interval | None = None
    log_loss: Interval | None = None
    positives: int | None = None
    expected: float | None = None
    why: SubgroupReasons | None = None

    @property
    def metric(self) -> Interval | None:
        """The primary metric of the problem."""
        return self.average_precision or self.mae or self.log_loss


class SubgroupSearch(Document):
    """How many subgroups were searched, tried on the other half, and confirmed."""

    columns: int
    looked_at: int
    tried: int
    confirmed: int
    level: float
    found: list[Subgroup]
