"""May it be merged? Reasons for no, from the comparison's JSON alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from plumbline.core.errors import PlumblineError
from plumbline.metrics.metrics import HIGHER_IS_BETTER

FORMAT = 1
Reason = dict[str, str | None]
"""`usecase` (null: of the whole project), `kind`, `text`."""


def ruling(found: Mapping[str, Any]) -> dict[str, Any]:
    """The verdict ("yes", "no", "overridden", "failed") and all reasons against; override by use case.

    An override lifts its use case's reasons; what is wrong with dvc.lock can only be mended.
    """
    against = list(reasons(found))
    overrides = {n: u["override"] for n, u in found["usecases"].items() if u.get("override")}
    standing = [r for r in against if r["usecase"] not in overrides]
    lifted = [r for r in against if r["usecase"] in overrides]
    verdict = "no" if standing else "overridden" if lifted else "yes"
    if found.get("failed"):
        verdict = "failed"
    return {"verdict": verdict, "reasons": standing, "lifted": lifted, "overrides": overrides}


def reasons(found: Mapping[str, Any]) -> Iterator[Reason]:
    """Everything that speaks against, the project's first."""
    failed = found.get("failed")
    if failed:
        yield _reason(None, "failed", f"stage {failed['stage']} failed: {failed['error']}")
    yield from _of_lock(found.get("lock") or {})
    for name, case in found["usecases"].items():
        for kind, text in _of_case(case):
            yield _reason(name, kind, text)


def read(found: Any, name: str) -> dict[str, Any]:
    """The JSON of a comparison, its outline checked; PlumblineError where it is something else."""
    keys = {"format", "base", "head", "usecases", "lock"}
    if not isinstance(found, dict) or not keys <= found.keys() or found["format"] != FORMAT:
        raise PlumblineError(
            f"{name}: not a comparison of format {FORMAT}; make it with `plumbline compare`"
        )
    cases = found["usecases"]
    if not isinstance(cases, dict) or not all(isinstance(c, dict) for c in cases.values()):
        raise PlumblineError(f"{name}: damaged: 'usecases' must hold one section per use case")
    return found


def _of_lock(lock: Mapping[str, Any]) -> Iterator[Reason]:
    stale, lacking = lock.get("stale") or [], lock.get("unlocked") or []
    if stale:
        text = f"dvc.lock is stale: {_some(stale)} would run again; run `dvc repro` and commit dvc.lock"
        yield _reason(None, "stale", text)
    if lacking:
        text = f"dvc.lock has no entry of {_some(lacking)}; run `dvc repro` and commit dvc.lock"
        yield _reason(None, "stale", text)
    other = lock.get("uncommitted") or []
    if other:
        text = f"dvc.lock as committed is not what {_some(other)} gave when run again; run `dvc repro` and commit dvc.lock and metrics/"
        yield _reason(None, "uncommitted", text)
    for text in lock.get("bytes") or []:
        yield _reason(None, "bytes", f"bytes that are not dvc.lock's: {text}")
    for text in lock.get("cards") or []:
        yield _reason(None, "card", f"a model card that contradicts the metrics: {text}")


def _of_case(case: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if case.get("blocked"):
        yield "contract", f"{case['blocked']} checks of the contract that block have failed"
    for against in ("base", "release"):
        windows = case.get(against) or {}
        for window, result in windows.items():
            yield from _of_window(case, against, window, result)
    yield from _of_head(case, (case.get("base") or {}).get("head") or {})
    yield from _of_age(case.get("data") or {})
    yield from _of_evaluate(case.get("evaluate") or {})


def _of_head(case: Mapping[str, Any], result: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of head's window against base: slices that broke, a cost that grew, a gain that cannot be."""
    limits = case.get("limits") or {}
    for name, groups in (result.get("slices") or {}).items():
        for group, found in groups.items():
            if _lost(found, limits.get("slice_loss")):
                yield "slice", f"slice {name} {group} lost beyond noise: {_arrow(found)}"
    metrics = result.get("metrics") or {}
    if _lost(metrics.get("cost"), limits.get("cost_growth")):
        yield "cost", f"the cost at the threshold grew beyond noise: {_arrow(metrics['cost'])}"
    found, share = metrics.get(case["primary"]), limits.get("too_good")
    if found and share is not None and _too_good(case["primary"], found, share):
        yield (
            "too-good",
            f"{case['primary']} gains more than {share:.0%} of what was left to gain: "
            f"{_arrow(found)}; look for a leak, and say why it is none in gate.override",
        )


def _lost(found: Mapping[str, Any] | None, share: float | None) -> bool:
    if not found or share is None or found["difference"]["word"] != "worse":
        return False
    return abs(found["difference"]["value"]) > share * abs(found["base"])


def _too_good(metric: str, found: Mapping[str, Any], share: float) -> bool:
    """Whether more than `share` of base's error is gone, beyond noise; a bounded metric's error is 1 - x."""
    best = 1.0 if metric in HIGHER_IS_BETTER else 0.0
    gone = abs(found["difference"]["value"])
    return found["difference"]["word"] == "better" and gone > share * abs(best - found["base"])


def _of_age(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Head made as of an earlier day than base."""
    told = data.get("as_of") or {}
    if told.get("base") and told.get("head") and str(told["head"]) < str(told["base"]):
        text = f"head's data are older: as of {told['head']}, base's as of {told['base']}"
        yield "older", text


def _arrow(found: Mapping[str, Any]) -> str:
    return f"{found['base']:.4g} → {found['head']:.4g}"


def _of_evaluate(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if told.get("verdict") != "pass":
        said = told.get("reasons") or ["evaluate left no verdict"]
        yield from (("evaluate", text) for text in said)
    if (told.get("checks") or {}).get("slices") != "fail":
        for low in told.get("below_floor") or []:
            value, floor = f"{low['value']:.4g}", f"{low['floor']:.4g}"
            yield (
                "slice",
                f"slice {low['slice']} {low['group']} is {value}, beyond its floor {floor}",
            )


def _of_window(
    case: Mapping[str, Any], against: str, window: str, result: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    found = (result.get("metrics") or {}).get(case["primary"])
    if not found or found["difference"]["word"] != "worse":
        return
    apart = found["difference"]
    other = {"base": "base", "release": "the last release"}[against]
    interval = f"{apart['low']:+.4g} to {apart['high']:+.4g}"
    whose = "head" if window == "head" else other
    yield (
        "worse",
        f"{case['primary']} is worse than {other}'s beyond noise on {whose}'s test window: "
        f"{found['base']:.4g} → {found['head']:.4g} ({interval})",
    )


def _some(names: list[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _reason(usecase: str | None, kind: str, text: str) -> Reason:
    return {"usecase": usecase, "kind": kind, "text": text}
