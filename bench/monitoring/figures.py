"""The figures of a run, as plain numbers for JSON: what the issue asks for, beside every peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.monitoring import scoring
from bench.monitoring.harm import Harm
from bench.monitoring.runs import Record, Sample
from bench.monitoring.scenarios import BY_NAME, SCENARIOS
from bench.monitoring.scoring import Flag, Key, alerted, of, seen
from bench.monitoring.worlds import DELAY

Harms = Mapping[tuple[int, int, str], Harm]
LARGE = ("covariate_20", "covariate_50", "covariate_gradual")
TOLD = ("label_3", "concept_sudden", "concept_gradual", "concept_new")
STILL = ("iid", "weekly", "calendar")
"""Harmless, and nothing moves; in the other harmless ones something does, which is for a warning to say."""
OF_LABELS = frozenset(("quality", "calibration"))
READINGS: Mapping[str, Sequence[tuple[str, Flag]]] = {
    "plumbline": (("alert", alerted), ("warning or alert", seen)),
    "evidently-default": (("data set", alerted), ("any column", seen)),
    "evidently-psi": (("data set", alerted), ("any column", seen)),
    "ks-bh": (("any column", alerted),),
    "nannyml-univariate": (("any column", alerted),),
    "nannyml-cbpe": (("any metric", alerted),),
}


def document(
    records: Sequence[Record],
    harms: Harms,
    costs: Sequence[Mapping[str, Any]],
    peers: Mapping[int, Sequence[int]],
    sample: Sample,
) -> dict[str, Any]:
    """All figures. `peers`: by size, the seeds on which every detector was asked, and `sample` the
    windows."""
    own = [r for r in records if r.detector == "plumbline"]
    sizes = sorted({r.size for r in own})
    return {
        "own": {str(size): _own(_sized(own, size), _of_size(harms, size)) for size in sizes},
        "compared": {
            str(size): _compared(
                _shared(_sized(records, size), seeds, sample), _of_size(harms, size)
            )
            for size, seeds in peers.items()
        },
        "reports": _reports(records),
        "scenarios": {str(size): _scenarios(_sized(own, size)) for size in sizes},
        "harm": {str(size): _harm(_of_size(harms, size)) for size in sizes},
        "costs": list(costs),
        "seeds": {str(size): sorted({r.seed for r in _sized(own, size)}) for size in sizes},
        "peer_seeds": {str(size): list(seeds) for size, seeds in peers.items()},
        "sample": {group: list(places) for group, places in sample.items()},
    }


def _own(records: Sequence[Record], harms: Mapping[Key, Harm]) -> dict[str, Any]:
    """The own monitor on all windows: alerts, and `warning or alert` beside."""
    return {
        **{name: _reading(records, flag, harms) for name, flag in READINGS["plumbline"]},
        "large_covariate": {n: _on(records, LARGE, f) for n, f in READINGS["plumbline"]},
        "told_by_labels": {n: _on(records, TOLD, f) for n, f in READINGS["plumbline"]},
        "irrelevant": scoring.rate(_named(records, ("irrelevant",)), alerted).as_json(),
        "blind_said": _blind(records),
        "reported": _reported(records),
    }


def _reported(records: Sequence[Record]) -> dict[str, Any]:
    """Drift that is reported, as a warning or an alert, by the name of what moved; `by_chance`: how often
    the same names are reported in as many windows of streams in which nothing moves."""
    amounts, labels = scoring.names(BY_NAME[LARGE[0]].columns), scoring.names(OF_LABELS)
    still = _named(records, STILL)
    early = [r for r in still if r.place < 3]
    late = [r for r in still if r.place >= DELAY]
    return {
        "large_covariate": {
            **_on(records, LARGE, amounts),
            "by_chance": scoring.detection(early, amounts)["within_3"],
        },
        "told_by_labels": {
            **_on(records, TOLD, labels),
            "by_chance": scoring.share(late, labels),
        },
        "warnings_where_nothing_moves": scoring.rate(still, seen).as_json(),
    }


def _reading(records: Sequence[Record], flag: Flag, harms: Mapping[Key, Harm]) -> dict[str, Any]:
    faults = of(records, "fault")
    found = scoring.precision(records, flag, harms)
    strict = scoring.precision(records, flag, harms, strict=True)
    right = scoring.named(faults, flag)
    return {
        "windows": len(records),
        "false_alerts": scoring.rate(of(records, "harmless"), flag).as_json(),
        "faults": scoring.detection(faults, flag),
        "covariate": scoring.detection(of(records, "covariate"), flag),
        "label": scoring.detection(of(records, "label"), flag),
        "concept": scoring.detection(of(records, "concept"), flag),
        "segment": scoring.detection(of(records, "segment"), flag),
        "named": round(right, 4) if right == right else None,
        "precision": found.as_json(),
        "precision_by_window": strict.as_json(),
        "crashes": sum(bool(r.crash) for r in records),
        "seconds": round(median(r.seconds for r in records), 3) if records else None,
    }


def _compared(records: Sequence[Record], harms: Mapping[Key, Harm]) -> list[dict[str, Any]]:
    """Each reading of each detector on the same windows; of a peer also the one that finds as many
    faults in the first window as the own monitor does, if any does."""
    found = []
    own = [r for r in records if r.detector == "plumbline"]
    first = scoring.within(scoring.delays(of(own, "fault"), alerted), 1)
    for name, readings in READINGS.items():
        mine = [r for r in records if r.detector == name]
        if not mine:
            continue
        wanted = list(readings)
        if name != "plumbline":
            count = scoring.ready(mine, first)
            if count > 1:
                wanted.append((f"at least {count} columns", scoring.at_least(count)))
        for label, flag in wanted:
            told = _reading(mine, flag, harms)
            told["large_covariate"] = _on(mine, LARGE, flag)
            told["told_by_labels"] = _on(mine, TOLD, flag)
            told["irrelevant"] = scoring.rate(_named(mine, ("irrelevant",)), flag).as_json()
            found.append({"detector": name, "reading": label, **told})
    return found


def _on(records: Sequence[Record], names: Sequence[str], flag: Flag) -> dict[str, Any]:
    return scoring.detection(_named(records, names), flag)


def _blind(records: Sequence[Record]) -> dict[str, int]:
    """Of the windows before labels are known where only they can tell: how many say so."""
    early = [r for r in of(records, "label", "concept") if r.place < DELAY]
    return {"said": sum(r.blind for r in early), "windows": len(early)}


def _reports(records: Sequence[Record]) -> dict[str, Any]:
    """Evidently's whole Report on the first window of each fault: what it raised."""
    found: dict[str, Any] = {}
    for record in records:
        if record.detector.endswith("-report"):
            into = found.setdefault(record.detector, {"windows": 0, "crashes": {}})
            into["windows"] += 1
            if record.crash:
                into["crashes"][record.scenario] = record.crash
    return found


def _scenarios(records: Sequence[Record]) -> dict[str, Any]:
    """By scenario: streams, windows, alerts, warnings, detection, what was named first."""
    found = {}
    for scenario in SCENARIOS:
        mine = _named(records, (scenario.name,))
        if not mine:
            continue
        named: dict[str, int] = {}
        for stream in scoring.by_stream(mine).values():
            first = next((r for r in stream if alerted(r)), None)
            if first is not None and first.columns:
                named[first.columns[0]] = named.get(first.columns[0], 0) + 1
        found[scenario.name] = {
            "group": scenario.group,
            "title": scenario.title,
            "windows": len(mine),
            "alerts": sum(map(alerted, mine)),
            "warnings": sum(r.level == "warning" for r in mine),
            "crashes": sum(bool(r.crash) for r in mine),
            "alert": scoring.detection(mine, alerted),
            "warning or alert": scoring.detection(mine, seen),
            "named_first": named,
        }
    return found


def _harm(harms: Mapping[Key, Harm]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in BY_NAME:
        mine = [h for (_, scenario), h in harms.items() if scenario == name]
        if mine:
            found[name] = {
                "streams": len(mine),
                "harmed": sum(h.harmed for h in mine),
                "average_precision_lost": _mean([h.precision for h in mine]),
                "cost_share_gained": _mean([h.cost for h in mine]),
            }
    return found


def _mean(values: Sequence[float]) -> float | None:
    known = [v for v in values if v == v]
    return round(sum(known) / len(known), 4) if known else None


def _sized(records: Sequence[Record], size: int) -> list[Record]:
    return [r for r in records if r.size == size]


def _named(records: Sequence[Record], names: Sequence[str]) -> list[Record]:
    return [r for r in records if r.scenario in names]


def _shared(records: Sequence[Record], seeds: Sequence[int], sample: Sample) -> list[Record]:
    """The records of the windows about which every detector was asked."""
    mine = [r for r in records if r.seed in seeds]
    return [r for r in mine if r.place in sample[BY_NAME[r.scenario].group]]


def _of_size(harms: Harms, size: int) -> dict[Key, Harm]:
    return {(seed, name): h for (rows, seed, name), h in harms.items() if rows == size}
