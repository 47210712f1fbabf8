"""Routes: which bundle answers what share of the entities, and the last champions. Pure.

An entity's slot is one of 100, by a hash (`choice`); each slot belongs to a live arm. A change of weights moves
as few slots as it can, from the arms that shrink to those that grow, so that an entity never moves back and
forth while one arm takes over from another.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import groupby
from typing import Annotated, Literal

from pydantic import Field, model_validator

from plumbline.core.documents import Document
from plumbline.core.errors import PlumblineError, suggest

SLOTS = 100
KEPT = 3
"""How many champions are remembered, and stay loaded."""
CHAMPION = "champion"
"""The arm of the bundle in use, at the start and after a return to it."""
ArmName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
BundleMd5 = Annotated[str, Field(pattern=r"^[0-9a-f]{32}(\.dir)?$")]


class Arm(Document):
    """A bundle, by DVC's md5 of its folder, and the percentage of the entities that it answers.

    `mode`: a shadow scores what the live arms answer, after the answer; its weight is 0.
    """

    name: ArmName
    bundle: BundleMd5
    weight: Annotated[int, Field(ge=0, le=SLOTS)] = 0
    mode: Literal["live", "shadow"] = "live"


class CanaryMark(Document):
    """A canary under way. A service that finds one at its start returns to the champion: nobody watched it."""

    challenger: BundleMd5
    started: str


class Routes(Document):
    """The routes of one use case. `version` counts changes.

    `slots`: runs of slots, arm and length; in the order of the arms if left out. `champions`: the bundles that
    were in use, the current one first.
    """

    format: Literal[1] = 1
    version: Annotated[int, Field(ge=1)] = 1
    salt: Annotated[str, Field(min_length=1)]
    arms: tuple[Arm, ...]
    champions: Annotated[tuple[BundleMd5, ...], Field(min_length=1, max_length=KEPT)]
    slots: tuple[tuple[str, Annotated[int, Field(ge=1)]], ...] = ()
    canary: CanaryMark | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Routes:
        names = [arm.name for arm in self.arms]
        _expect(len(set(names)) == len(names), "arms of different names", names)
        total = sum(arm.weight for arm in self.live)
        _expect(total == SLOTS, f"weights of the live arms that sum to {SLOTS}", total)
        heavy = [arm.name for arm in self.shadows if arm.weight]
        _expect(not heavy, "shadows of weight 0", heavy)
        _expect(
            len(set(self.champions)) == len(self.champions), "different champions", self.champions
        )
        own = {arm.name: arm.weight for arm in self.live if arm.weight}
        _expect(_sizes(self.owners) == own, "slots as the weights say", _sizes(self.owners))
        return self

    @property
    def live(self) -> tuple[Arm, ...]:
        """The arms that answer."""
        return tuple(arm for arm in self.arms if arm.mode == "live")

    @property
    def shadows(self) -> tuple[Arm, ...]:
        """The arms that score after the answer."""
        return tuple(arm for arm in self.arms if arm.mode == "shadow")

    @property
    def champion(self) -> str:
        """The bundle in use."""
        return self.champions[0]

    @property
    def challenged(self) -> bool:
        """Whether another bundle than the champion answers anyone."""
        return any(arm.weight and arm.bundle != self.champion for arm in self.live)

    @property
    def bundles(self) -> tuple[str, ...]:
        """Every bundle that stays loaded: the arms' and the last champions."""
        return tuple(dict.fromkeys((*(arm.bundle for arm in self.arms), *self.champions)))

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """The live arm of each slot."""
        runs = self.slots or tuple((arm.name, arm.weight) for arm in self.live)
        return tuple(name for name, length in runs for _ in range(min(length, SLOTS)))

    def arm(self, name: str) -> Arm:
        """The arm of that name; PlumblineError with the nearest names otherwise."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise PlumblineError(f"no arm '{name}'; {suggest(name, (a.name for a in self.arms))}")


def first(md5: str, salt: str) -> Routes:
    """The routes of a service that starts: one bundle answers all."""
    return Routes(salt=salt, arms=(Arm(name=CHAMPION, bundle=md5, weight=SLOTS),), champions=(md5,))


def with_weights(routes: Routes, weights: Mapping[str, int]) -> Routes:
    """With other weights of live arms, by name.

    The arms that are not named keep theirs, or get 0 where the named ones have 100; the champion's arm takes
    the rest where it is not named. A bundle that then answers all is the champion. Raises PlumblineError where an arm is unknown or a shadow.
    """
    for name in weights:
        if routes.arm(name).mode == "shadow":
            raise PlumblineError(
                f"'{name}' is a shadow, which answers nobody; add the bundle as a live arm"
            )
    full = sum(weights.values()) == SLOTS
    chosen = {a.name: weights.get(a.name, 0 if full else a.weight) for a in routes.live}
    rest = None if full else _rest(routes, weights)
    if rest is not None:
        chosen[rest] = SLOTS - sum(w for n, w in chosen.items() if n != rest)
    _check(chosen)
    arms = [a.model_copy(update={"weight": chosen.get(a.name, 0)}) for a in routes.arms]
    return changed(routes, arms)


def with_arm(routes: Routes, arm: Arm) -> Routes:
    """With one more arm of weight 0; PlumblineError where there is one of that name with another bundle."""
    known = next((a for a in routes.arms if a.name == arm.name), None)
    if known and (known.weight or known.mode != arm.mode):
        raise PlumblineError(
            f"there is an arm '{arm.name}' already, {known.mode}, {known.weight} %, bundle {known.bundle}; "
            "choose another name, or remove that one first"
        )
    return changed(routes, [*(a for a in routes.arms if a is not known), arm])


def without_arm(routes: Routes, name: str) -> Routes:
    """Without an arm; PlumblineError where it answers anyone."""
    arm = routes.arm(name)
    if arm.weight:
        raise PlumblineError(f"'{name}' answers {arm.weight} % of the entities; set it to 0 first")
    return changed(routes, [a for a in routes.arms if a is not arm])


def to_bundle(routes: Routes, md5: str) -> Routes:
    """All to one bundle, which is then the champion; other live arms are removed, shadows of others stay."""
    others = [a for a in routes.shadows if a.bundle != md5 and a.name != CHAMPION]
    arms = [Arm(name=CHAMPION, bundle=md5, weight=SLOTS), *others]
    return changed(routes, arms, canary=None)


def red_button(routes: Routes, loaded: Collection[str] | None = None) -> Routes:
    """Back: to the champion where another bundle answers anyone, else to the champion before it.

    The bundle left behind is no champion any more, so that the next press goes further back. `loaded`: the
    bundles that can answer; None: all. Raises PlumblineError where there is none to return to.
    """
    if routes.challenged:
        return to_bundle(routes, routes.champion)
    before = [c for c in routes.champions[1:] if loaded is None or c in loaded]
    if not before:
        raise PlumblineError(_nowhere(routes))
    kept = routes.champions[routes.champions.index(before[0]) :]
    back = to_bundle(routes, before[0])
    arms = [a for a in back.arms if a.bundle != routes.champion]
    return back.model_copy(update={"arms": tuple(arms), "champions": kept})


def changed(
    routes: Routes, arms: Iterable[Arm], *, canary: CanaryMark | Literal["as is"] | None = "as is"
) -> Routes:
    """The next version, with these arms: slots follow, and champions where no canary is under way."""
    new = tuple(arms)
    owners = _moved(routes.owners, {a.name: a.weight for a in new if a.weight})
    mark = routes.canary if canary == "as is" else canary
    return Routes(
        version=routes.version + 1,
        salt=routes.salt,
        arms=new,
        champions=routes.champions if mark else _champions(routes, new),
        slots=tuple((name, len(list(run))) for name, run in groupby(owners)),
        canary=mark,
    )


def is_md5(text: str) -> bool:
    """Whether a text is DVC's md5 of a folder, with or without its ending."""
    return re.fullmatch(r"[0-9a-f]{32}(\.dir)?", text) is not None


def lines(routes: Routes) -> Iterator[str]:
    """The routes as a person reads them."""
    yield f"version {routes.version}, salt {routes.salt}"
    for arm in routes.arms:
        share = "shadow" if arm.mode == "shadow" else f"{arm.weight} %"
        mark = ", champion" if arm.bundle == routes.champion else ""
        yield f"{arm.name:<12} {share:>6}  {arm.bundle}{mark}"
    before = ", ".join(routes.champions[1:]) or "none"
    yield f"champions before: {before}"
    if routes.canary:
        yield f"canary of {routes.canary.challenger} since {routes.canary.started}"


def _nowhere(routes: Routes) -> str:
    others = routes.champions[1:]
    known = (
        f"the champions before ({', '.join(others)}) cannot be loaded, or have other features: `plumbline rollback` to "
        "their commit lets a process of it take over"
        if others
        else "no champion before it is known here; add a bundle with `plumbline routes add` and give it 100 %"
    )
    return f"bundle {routes.champion} is in use, and there is nothing to return to: {known}"


def _rest(routes: Routes, weights: Mapping[str, int]) -> str | None:
    """The champion's arm, where it is to take what the named weights leave."""
    own = [a.name for a in routes.live if a.bundle == routes.champion]
    return own[0] if own and not weights.keys() & set(own) else None


def _check(weights: Mapping[str, int]) -> None:
    odd = [w for w in weights.values() if type(w) is not int or not 0 <= w <= SLOTS]
    total = sum(weights.values())
    if odd or total != SLOTS:
        shown = ", ".join(f"{n}={w}" for n, w in weights.items())
        raise PlumblineError(
            f"weights: expected whole percentages from 0 that sum to {SLOTS}, found {shown} ({total} in all)"
        )


def _moved(owners: tuple[str, ...], weights: Mapping[str, int]) -> list[str]:
    """The owners of the slots with these weights, as few as possible moved."""
    keep = dict(weights)
    result: list[str | None] = []
    for name in owners:
        stays = keep.get(name, 0) > 0
        keep[name] = keep.get(name, 0) - stays
        result.append(name if stays else None)
    growing = iter([name for name, left in keep.items() for _ in range(left)])
    return [name if name is not None else next(growing) for name in result]


def _champions(routes: Routes, arms: tuple[Arm, ...]) -> tuple[str, ...]:
    """The last champions, once one bundle alone answers all."""
    answering = {a.bundle for a in arms if a.weight}
    if len(answering) > 1 or routes.champion in answering:
        return routes.champions
    (md5,) = answering
    return (md5, *(c for c in routes.champions if c != md5))[:KEPT]


def _sizes(owners: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in owners:
        counts[name] = counts.get(name, 0) + 1
    return counts


def _expect(right: bool, expected: str, found: object) -> None:
    if not right:
        raise ValueError(f"expected {expected}, found {found}")
