"""Results on one test window are counted from git, and beyond a number the report allows for all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plumbline.review import look_words, looks
from plumbline.review.comparison_sections import Difference, Looks, PairedFigure
from plumbline.runtime import git
from tests import reviews

PATH = "metrics/shop/evaluate.json"
WHO = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
WINDOW = {"start": "2025-05-01", "end": "2025-06-01", "rows": 1_000, "label_rate": 0.1}


def result(value: float, **window: Any) -> dict[str, Any]:
    return {"metrics": {"ap": {"value": value}}, "data": {"windows": {"test": WINDOW | window}}}


def commit(root: Path, document: dict[str, Any] | str) -> None:
    path = root / PATH
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    git.output(root, "add", "-A")
    git.output(root, *WHO, "commit", "-q", "--allow-empty", "-m", "result")


def count(root: Path, own: dict[str, Any]) -> Looks:
    counted = looks.counted(root, "HEAD", PATH, own)
    assert counted is not None
    return counted


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four results on one window (a revert, a row set aside, a branch), one on another, and damage."""
    root = tmp_path_factory.mktemp("history")
    git.output(root, "init", "-q", "-b", "main")
    commit(root, result(0.2, start="2025-04-01", end="2025-05-01"))
    commit(root, result(0.5))
    commit(root, result(0.6))
    commit(root, result(0.5))
    git.output(root, "branch", "branch")
    git.output(root, "switch", "-q", "branch")
    commit(root, result(0.7, rows=990))
    git.output(root, "switch", "-q", "main")
    (root / "readme").write_text("text")
    commit(root, "{")
    commit(root, '{"data": [], "metrics": 1}')
    commit(root, result(0.6))
    git.output(root, *WHO, "merge", "-q", "-s", "ours", "--no-edit", "branch")
    return root


def test_each_different_result_on_the_window_is_one_look(history: Path) -> None:
    assert count(history, result(0.6)) == Looks(
        count=3, window="2025-05-01 to 2025-06-01, 1,000 rows", cut=False
    )


def test_a_result_that_is_not_committed_yet_is_one_more(history: Path) -> None:
    assert count(history, result(0.8)).count == 4


@pytest.mark.parametrize(
    ("window", "seen"),
    [
        ({"start": "2025-05-02"}, 1),
        ({"start": "2025-04-01", "end": "2025-05-01"}, 2),
        ({"rows": 950}, 4),
        ({"rows": 100}, 1),
        ({"label_rate": 0.5}, 1),
    ],
)
def test_another_window_is_counted_by_itself(
    history: Path, window: dict[str, Any], seen: int
) -> None:
    assert count(history, result(0.9, **window)).count == seen


def test_a_cut_history_is_not_counted(history: Path, tmp_path: Path) -> None:
    git.output(tmp_path, "clone", "-q", "--depth", "1", f"file://{history}", "shallow")
    found = count(tmp_path / "shallow", result(0.6))
    assert found.cut
    assert "cannot be counted" in look_words.sentence(found)
    assert "fetch-depth: 0" in look_words.sentence(found)


def lines(count: int, low: float = 0.001) -> list[str]:
    head = PairedFigure(
        base=0.5,
        head=0.52,
        difference=Difference(value=0.02, low=low, high=0.039, relative=0.04, word="better"),
    )
    case = reviews.comparison().usecases["shop"]
    result = case.base.head.model_copy(update={"metrics": {case.primary: head}})
    update = {
        "base": case.base.model_copy(update={"head": result}),
        "looks": Looks(count=count, window="800 rows", cut=False),
        "limits": {**case.limits, "max_looks": 20},
    }
    return list(look_words.lines(case.model_copy(update=update)))


def test_up_to_the_limit_the_number_is_enough() -> None:
    assert lines(20) == [
        "Looks at the test window (800 rows): 20 results so far, this one among them."
    ]


def test_beyond_it_the_interval_allows_for_all_looks() -> None:
    _, warning = lines(25)
    assert warning.startswith("Warning: that is more than 20 looks (gate.max_looks)")
    assert "(Bonferroni, 99.80%)" in warning
    assert ": within noise. Judge on newer days" in warning
    assert ": better. Judge on newer days" in lines(25, low=0.015)[1]


def test_the_interval_of_one_look_is_the_interval() -> None:
    paired = PairedFigure(
        base=1.0, head=1.2, difference=Difference(value=0.2, low=0.1, high=0.4, word="worse")
    )
    same = look_words.widened("mae", paired, 0.95, look_words.shared(0.95, 1)).difference
    assert (same.low, same.high) == pytest.approx((0.1, 0.4))
