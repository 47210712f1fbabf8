"""The figures of a run, as plain numbers for JSON: the monitor's own, and beside every peer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.monitoring import scoring
from bench.monitoring.populations import DELAY
from bench.monitoring.runs import Record, Sample
from bench.monitoring.scenarios import BY_NAME, SCENARIOS
from bench.monitoring.scoring import Flag, Key, alerted, of, seen
from bench.monitoring.true_loss import TrueLoss

TrueLosses = Mapping[tuple[int, int, str], TrueLoss]
LARGE = ("covariate_20", "covariate_50", "covariate_gradual")
SHOWN_BY_LABELS = ("label_3", "concept_sudden", "concept_gradual", "concept_new")
STILL = ("iid", "weekly", "calendar")
"""Harmless, and nothing moves; in the other harmless ones something does, which deserves a warning."""
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
    true_losses: TrueLosses,
    costs: Sequence[Mapping[str, Any]],
    peers: Mapping[int, Sequence[int]],
    sample: Sample,
) -> dict[str, Any]:
    """All figures. `peers`: by size, the seeds that every detector judged, and `sample` the
    windows."""
    own = [r for r in records if r.detector == "plumbline"]
    sizes = sorted({r.size for r in own})
    return {
        "own": {str(size): _own(_sized(own, size), _of_size(true_losses, size)) for size in sizes},
        "compared": {
            str(size): _compared(
                _shared(_sized(records, size), seeds, sample), _of_size(true_losses, size)
            )
            for size, seeds in peers.items()
        },
        "reports": _reports(records),
        "scenarios": {str(size): _scenarios(_sized(own, size)) for size in sizes},
        "true_loss": {str(size): _true_loss(_of_size(true_losses, size)) for size in sizes},
        "costs": list(costs),
        "seeds": {str(size): sorted({r.seed for r in _sized(own, size)}) for size in sizes},
        "peer_seeds": {str(size): list(seeds) for size, seeds in peers.items()},
        "sample": {group: list(numbers) for group, numbers in sample.items()},
    }


def _own(records: Sequence[Record], true_losses: Mapping[Key, TrueLoss]) -> dict[str, Any]:
    """The own monitor on all windows: alerts, and `warning or alert` beside."""
    return {
        **{name: _reading(records, flag, true_losses) for name, flag in READINGS["plumbline"]},
        "large_covariate": {n: _on(records, LARGE, f) for n, f in READINGS["plumbline"]},
        "shown_by_labels": {n: _on(records, SHOWN_BY_LABELS, f) for n, f in READINGS["plumbline"]},
        "irrelevant": scoring.rate(_named(records, ("irrelevant",)), alerted).as_json(),
        "blind_reported": _blind(records),
        "reported": _reported(records),
    }


def _reported(records: Sequence[Record]) -> dict[str, Any]:
    """Drift that is reported, as a warning or an alert, by the name of what moved; `by_chance`: how often
    the same names are reported in as many windows of streams in which nothing moves."""
    amounts, labels = scoring.names(BY_NAME[LARGE[0]].columns), scoring.names(OF_LABELS)
    still = _named(records, STILL)
    early = [r for r in still if r.number < 3]
    late = [r for r in still if r.number >= DELAY]
    return {
        "large_covariate": {
            **_on(records, LARGE, amounts),
            "by_chance": scoring.detection(early, amounts)["within_3"],
        },
        "shown_by_labels": {
            **_on(records, SHOWN_BY_LABELS, labels),
            "by_chance": scoring.share(late, labels),
        },
        "warnings_where_nothing_moves": scoring.rate(still, seen).as_json(),
    }


def _reading(
    records: Sequence[Record], flag: Flag, true_losses: Mapping[Key, TrueLoss]
) -> dict[str, Any]:
    faults = of(records, "fault")
    precision = scoring.precision(records, flag, true_losses)
    strict = scoring.precision(records, flag, true_losses, strict=True)
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
        "precision": precision.as_json(),
        "precision_by_window": strict.as_json(),
        "crashes": sum(bool(r.crash) for r in records),
        "seconds": round(median(r.seconds for r in records), 3) if records else None,
    }


def _compared(
    records: Sequence[Record], true_losses: Mapping[Key, TrueLoss]
) -> list[dict[str, Any]]:
    """Each reading of each detector on the same windows; of a peer also the one that finds as many
    faults in the first window as the own monitor does, if any does."""
    out = []
    own = [r for r in records if r.detector == "plumbline"]
    first = scoring.within(scoring.delays(of(own, "fault"), alerted), 1)
    for name, readings in READINGS.items():
        chosen = [r for r in records if r.detector == name]
        if not chosen:
            continue
        wanted = list(readings)
        if name != "plumbline":
            count = scoring.ready(chosen, first)
            if count > 1:
                wanted.append((f"at least {count} columns", scoring.at_least(count)))
        for label, flag in wanted:
            figures = _reading(chosen, flag, true_losses)
            figures["large_covariate"] = _on(chosen, LARGE, flag)
            figures["shown_by_labels"] = _on(chosen, SHOWN_BY_LABELS, flag)
            figures["irrelevant"] = scoring.rate(_named(chosen, ("irrelevant",)), flag).as_json()
            out.append({"detector": name, "reading": label, **figures})
    return out


def _on(records: Sequence[Record], names: Sequence[str], flag: Flag) -> dict[str, Any]:
    return scoring.detection(_named(records, names), flag)


def _blind(records: Sequence[Record]) -> dict[str, int]:
    """Of the windows before labels are known where only they can tell: how many say so."""
    early = [r for r in of(records, "label", "concept") if r.number < DELAY]
    return {"reported": sum(r.blind for r in early), "windows": len(early)}


def _reports(records: Sequence[Record]) -> dict[str, Any]:
    """Evidently's full Report on the first window of each fault: what it raised."""
    out: dict[str, Any] = {}
    for record in records:
        if record.detector.endswith("-report"):
            into = out.setdefault(record.detector, {"windows": 0, "crashes": {}})
            into["windows"] += 1
            if record.crash:
                into["crashes"][record.scenario] = record.crash
    return out


def by_scenario(
    records: Sequence[Record], true_losses: Mapping[Key, TrueLoss], size: int
) -> dict[str, Any]:
    """The figures by scenario alone, of one size."""
    return {
        "scenarios": {str(size): _scenarios(records)},
        "true_loss": {str(size): _true_loss(true_losses)},
    }


def _scenarios(records: Sequence[Record]) -> dict[str, Any]:
    """By scenario: streams, windows, alerts, warnings, detection, what was named first."""
    out = {}
    for scenario in SCENARIOS:
        chosen = _named(records, (scenario.name,))
        if not chosen:
            continue
        named: dict[str, int] = {}
        for stream in scoring.by_stream(chosen).values():
            first = next((r for r in stream if alerted(r)), None)
            if first is not None and first.columns:
                named[first.columns[0]] = named.get(first.columns[0], 0) + 1
        out[scenario.name] = {
            "group": scenario.group,
            "title": scenario.title,
            "windows": len(chosen),
            "alerts": sum(map(alerted, chosen)),
            "warnings": sum(r.level == "warning" for r in chosen),
            "crashes": sum(bool(r.crash) for r in chosen),
            "alert": scoring.detection(chosen, alerted),
            "warning or alert": scoring.detection(chosen, seen),
            "named_first": named,
        }
    return out


def _true_loss(true_losses: Mapping[Key, TrueLoss]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in BY_NAME:
        chosen = [h for (_, scenario), h in true_losses.items() if scenario == name]
        if chosen:
            out[name] = {
                "streams": len(chosen),
                "harmed": sum(h.harmed for h in chosen),
                "average_precision_lost": _mean([h.precision for h in chosen]),
                "cost_share_gained": _mean([h.cost for h in chosen]),
            }
    return out


def _mean(values: Sequence[float]) -> float | None:
    known = [v for v in values if v == v]
    return round(sum(known) / len(known), 4) if known else None


def _sized(records: Sequence[Record], size: int) -> list[Record]:
    return [r for r in records if r.size == size]


def _named(records: Sequence[Record], names: Sequence[str]) -> list[Record]:
    return [r for r in records if r.scenario in names]


def _shared(records: Sequence[Record], seeds: Sequence[int], sample: Sample) -> list[Record]:
    """The records of the windows that every detector judged."""
    chosen = [r for r in records if r.seed in seeds]
    return [r for r in chosen if r.number in sample[BY_NAME[r.scenario].group]]


def _of_size(true_losses: TrueLosses, size: int) -> dict[Key, TrueLoss]:
    return {(seed, name): h for (rows, seed, name), h in true_losses.items() if rows == size}
