"""The same words everywhere: an interval without zero is never called noise, one with zero never a difference."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plumbline.evaluate import acceptance, declared_checks, fairness, gap_limits, model_card
from plumbline.evaluate.decision_costs import NOTHING
from plumbline.evaluate.evaluate_document import EvaluateDocument, PairedDifference
from plumbline.evaluate.fairness_document import WidestGap
from plumbline.evaluate.gap_params import GapLimit
from plumbline.metrics import bootstrap
from plumbline.metrics.bootstrap import Estimate
from plumbline.monitor import quality
from plumbline.monitor.quality import QualityChange
from plumbline.report import markdown
from plumbline.review import comparison_blocks, look_words, merge_gate, paired_words, verdict_line
from plumbline.review.comparison import Comparison
from plumbline.review.comparison_sections import Difference
from plumbline.studies.backtest import text_report as backtest
from plumbline.studies.backtest.backtest_record import AgainstLast, OriginRecord
from plumbline.studies.sensitivity import text_report as sensitivity
from plumbline.studies.sensitivity.sensitivity_record import SensitivityRecord
from tests.code import test_modelcard as cards
from tests.conftest import ROOT
from tests.reviews import RESULT, comparison

INTERVALS = [
    *(Estimate(0.046, 0.011, 0.083), Estimate(-0.0046, -0.0067, -0.0017)),
    *(Estimate(0.316, 0.044, 0.682), Estimate(1e-6, 1e-9, 2e-6), Estimate(-0.3, -0.9, -1e-9)),
    *(Estimate(0.05, 1e-4, 0.2), Estimate(0.004, 0.003, 0.005)),
    *(Estimate(0.03, -0.01, 0.07), Estimate(-0.03, -0.07, 0.01), Estimate(0.0, -1.0, 1.0)),
    *(Estimate(0.1, 0.0, 0.2), Estimate(-0.1, -0.2, 0.0), Estimate(0.0, 0.0, 0.0)),
    Estimate(0.1, math.nan, math.nan),
]
NONE_BEYOND = r"\b(?:nothing|none|no \w+) beyond noise"
NOISE = re.compile(rf"\bwithin noise|\bbe noise|than noise|{NONE_BEYOND}")
"""What says that there is no difference."""
MOVED = re.compile(r"beyond noise|\b(?:better|worse)\b")
"""What says that there is one, where the former is taken out."""


def paired(estimate: Estimate) -> dict[str, Any]:
    """A metric of both models with this difference, and a word that says the contrary."""
    ends = [
        None if math.isnan(end) else end for end in (estimate.value, estimate.low, estimate.high)
    ]
    wrong = "within noise" if bootstrap.beyond_noise(estimate) else "worse"
    difference = dict(zip(("value", "low", "high"), ends, strict=True)) | {"word": wrong}
    return {"base": 0.5, "head": 0.5 + estimate.value, "difference": difference}


def reviewed(estimate: Estimate, override: str | None = None) -> Comparison:
    """A comparison in which every metric and slice has this difference."""
    one = paired(estimate)
    slices = {"size": {"small": {"rows": 10, **one}}}
    metrics = {"average_precision": one, "brier": one, "cost": one}
    result = {**RESULT, "metrics": metrics, "slices": slices}
    case = {"base": {"head": result, "base": result}, "release": {}, "drift": []}
    case |= {"override": override}
    return comparison(case, release=None)


def card_lines(estimate: Estimate) -> str:
    """The card's tables of differences: to baselines, by month, to policies."""
    word = bootstrap.word(estimate, higher_is_better=False)
    difference = PairedDifference.from_estimate(estimate, relative=0.1, word=word).plain()
    difference = {
        k: None if isinstance(v, float) and math.isnan(v) else v for k, v in difference.items()
    }
    figures = {**cards.FIGURES, "differences": {"naive": difference}}
    parts = model_card.parts(cards.usecase(), EvaluateDocument.model_validate(figures))
    text = markdown.file([p for p in parts if type(p).__name__ == "Table"])
    return "\n".join(line for line in text.splitlines() if "naive" in line)


def gap(estimate: Estimate) -> str:
    """The widest gap between two groups whose replicates have this mean and spread."""
    spread = (estimate.high - estimate.low) / 4
    if not math.isfinite(spread):
        return ""
    drawn = np.random.default_rng(0).normal(abs(estimate.value), spread + 1e-12, 400)
    replicates = {"a": np.r_[abs(estimate.value), drawn], "b": np.zeros(401)}
    found = fairness.widest(replicates, 0.95, 60)
    assert found is not None
    assert (found.word == "beyond noise") == bootstrap.beyond_noise(found.estimate)
    return ""


def limited(estimate: Estimate) -> str:
    """A gap that nothing is allowed of, where the ends for all pairs are known."""
    if not math.isfinite(estimate.low) or not math.isfinite(estimate.high):
        return ""
    word: Any = "beyond noise" if bootstrap.beyond_noise(estimate) else "within noise"
    found = WidestGap(
        value=estimate.value, low=estimate.low, high=estimate.high, higher="a", lower="b", pairs=1,
        word=word, at_least=estimate.low, at_most=estimate.high,
    )  # fmt: skip
    return gap_limits.judge(GapLimit(by="shop", rate="recall", most=0.0), found)[1]


def decided(estimate: Estimate) -> str:
    """The acceptance of the declared decisions beside a simpler way."""
    word = bootstrap.word(estimate, higher_is_better=False)
    section: Any = SimpleNamespace(equal=False, differences={NOTHING: SimpleNamespace(word=word)})
    return declared_checks.decisions(section)[0].reason


def backtested(estimate: Estimate) -> str:
    """A line of the backtest."""
    margin = 0.0
    word = paired_words.word("average_precision", estimate, 0.5, margin)
    against = AgainstLast(
        day="2025-01-01",
        base=0.5,
        head=0.5,
        difference=Difference.model_validate(paired(estimate)["difference"]),
        word=word,
        chosen=word != "worse",
    )
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    window = {"start": "2025-01-01", "end": "2025-01-08", "rows": 9}
    record = OriginRecord.model_validate(
        {
            **{"day": "2025-01-08", "train": window, "valid": window, "scored": window},
            **{"rounds": 5, "metrics": {"average_precision": interval}, "against": against},
        }
    )
    return backtest._against(record)


def tried(estimate: Estimate) -> str:
    """A line of the sensitivity study."""
    word = paired_words.word("mae", estimate, 0.5, 0.0)
    ends = paired(estimate)["difference"]
    one = {**{k: ends[k] for k in ("value", "low", "high")}, "metric": 0.5, "word": word}
    setting = {
        **{"scale": "uniform", "best": 0.1, "tried": [{**one, "setting": 0.2}]},
        "flat": {"share": 0.5, "from": 0.1, "to": 0.2},
        "trials": {"values": [], "metrics": [], "rank_correlation": None},
    }
    fields = dict.fromkeys(SensitivityRecord.model_fields)
    record = SensitivityRecord.model_construct(
        **{
            **fields,
            "usecase": "shop",
            "metric_name": "mae",
            "best": type("Best", (), {"params": {}, "metric": 0.5}),
            "seeds": [type("Seed", (), {"estimate": estimate})],
            "settings": {"eta": _setting(setting)},
        }
    )
    return next(line for line in sensitivity.lines(record) if line.startswith("  "))


def _setting(plain: dict[str, Any]) -> Any:
    from plumbline.studies.sensitivity.sensitivity_record import SettingRecord

    return SettingRecord.model_validate(plain)


def monitored(estimate: Estimate) -> str:
    """The monitor's known quality."""
    before = Estimate(0.8, 0.7, 0.9)
    known = QualityChange(metric="mae", rows=(9, 9), values=(before, before), loss=estimate)
    return quality.text(known)


PLACES: dict[str, Callable[[Estimate], str]] = {
    "monitor": monitored,
    "verdict": lambda e: verdict_line.verdict(reviewed(e, "agreed with Kim")),
    "reasons": lambda e: "\n".join(
        r.text for r in reviewed(e).gate.reasons if r.kind != "cannot-tell"
    ),
    "cannot tell": lambda e: "\n".join(
        r.text for r in reviewed(e).gate.reasons if r.kind == "cannot-tell"
    ),
    "comment": lambda e: "\n".join(
        line
        for line in markdown.comment(comparison_blocks.blocks(reviewed(e), "x")).splitlines()
        if line.startswith("| average precision |") or line.startswith("| size small |")
    ),
    "acceptance": lambda e: (
        acceptance.beats("mae", {"naive": bootstrap.word(e, higher_is_better=False)}).reason
    ),
    "policies": lambda e: (
        acceptance.pays({"rule": bootstrap.word(e, higher_is_better=False)}).reason
    ),
    "card": card_lines,
    "fairness": gap,
    "gap limits": limited,
    "decisions": decided,
    "backtest": backtested,
    "sensitivity": tried,
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("estimate", INTERVALS, ids=lambda e: f"{e.low:g} to {e.high:g}")
def test_what_is_noise(place: str, estimate: Estimate) -> None:
    text = PLACES[place](estimate)
    if bootstrap.beyond_noise(estimate):
        assert not NOISE.search(text), text
    else:
        assert not MOVED.search(NOISE.sub("", text)), text


def test_the_words_are_seen_for_what_they_say() -> None:
    for text in ("nothing beyond noise; loss 4.6% (1.1% to 8.3%)", "-0.0046 (…): within noise"):
        assert NOISE.search(text)
    assert MOVED.search(NOISE.sub("", "better beyond noise"))
    assert not MOVED.search(NOISE.sub("", "no loss beyond noise"))


def test_the_gate_takes_no_words_from_a_comparison() -> None:
    """Those of `paired` say the contrary of the values."""
    result = merge_gate.judged(reviewed(Estimate(-0.1, -0.2, -0.05)))
    window = result.usecases["shop"].base.head
    assert window is not None
    assert window.plain()["metrics"]["average_precision"]["difference"]["word"] == "worse"


def test_looks_judge_a_wider_interval_by_its_own() -> None:
    """The word beside an interval at another level is that interval's."""
    one = comparison().usecases["shop"].base.head.plain()["metrics"]["average_precision"]  # type: ignore[union-attr]
    from plumbline.review.comparison_sections import PairedFigure

    figure = PairedFigure.model_validate({**one, **paired(Estimate(0.02, 0.001, 0.039))})
    wide = look_words.widened("average_precision", figure, 0.95, 0.9999).difference
    assert wide.low is not None
    assert wide.low < 0
    assert wide.word == "within noise"


SPEAKING = {
    "cli/studies.py": "an option's name",
    "evaluate/acceptance.py": "acceptance, policies",
    "evaluate/declared_checks.py": "decisions",
    "evaluate/fairness.py": "fairness",
    "evaluate/fairness_document.py": "fairness",
    "evaluate/gap_limits.py": "gap limits",
    "metrics/bootstrap.py": "chooses the word",
    "monitor/evidently_report.py": "what Evidently does not know",
    "monitor/quality.py": "monitor",
    "ops/replay/money.py": "a what-if's verdict",
    "ops/replay/replay_document.py": "a what-if's verdict",
    "review/changes.py": "a column of drift",
    "review/look_words.py": "what happens by chance",
    "review/merge_gate.py": "reasons",
    "review/paired_words.py": "chooses the word, with a margin",
    "review/verdict_line.py": "verdict",
    "studies/backtest/backtest_record.py": "a count's name",
    "studies/backtest/judging.py": "counts",
    "studies/backtest/plots.py": "a legend",
    "studies/backtest/text_report.py": "backtest",
    "studies/feature_value/text_report.py": "columns of noise, without an interval",
}
"""Every module that says noise, and which of PLACES holds it, or why none has to."""


def test_every_module_that_says_noise_is_held() -> None:
    found = set()
    for path in (ROOT / "plumbline").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        words = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in words)
        if any("noise" in str(node.value) for node in texts):
            found.add(path.relative_to(ROOT / "plumbline").as_posix())
    assert found == set(SPEAKING)
