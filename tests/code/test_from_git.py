"""What a pull request alters is read from git: an artifact that leaves it out gets no green."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.ops.hosting import heads
from plumbline.review.comparison import Comparison
from plumbline.runtime import git
from tests import heads as made
from tests.heads import Change
from tests.reviews import RESULT

MODEL = "usecases/shop/model.py"


@pytest.fixture
def change(tmp_path: Path) -> Change:
    """A branch on top of main."""
    return made.change(tmp_path)


def judged(change: Change, found: Comparison | None = None) -> Comparison:
    """The head's comparison as the comment's job judges it; by default that of a run without a word on rules."""
    result = found or change.found()
    return heads.judged(change.root, result, "main", change.push())


def refused(result: Comparison) -> str:
    """All reasons against, as one text."""
    return "; ".join(reason.text for reason in result.gate.reasons)


def test_a_change_of_code_or_params_alone_is_green(change: Change) -> None:
    change.set("shop.train.rounds", 70)
    change.replace("usecases/shop/features.py", "hour < 20", "hour < 21")
    change.replace("usecases/shop/features.py", "Row(rush)", "Row(rush, version=2)")
    change.write("docs/notes.md", "text\n")
    change.model("2" * 32, **made.GOOD)
    result = judged(change)
    assert (result.gate.verdict, refused(result), result.rules) == ("yes", "", [])


def test_a_refactor_of_declarations_is_green(change: Change) -> None:
    change.replace(
        MODEL, "USECASE =", "PLACES = (Slice('rain', 'rain', 'yes or no'),)\n\nUSECASE ="
    )
    change.replace(MODEL, '(Slice("rain", "rain", "0 or 1"), ', "(*PLACES, ")
    change.replace("usecases/shop/contract.py", "max=50", "max=FAR")
    change.replace("usecases/shop/contract.py", "CONTRACT =", "FAR = 50\nCONTRACT =")
    result = judged(change)
    assert result.rules == []
    assert result.gate.verdict == "yes"


ALTERED: dict[str, tuple[Callable[[Change], None], str]] = {
    "workflow": (
        lambda c: c.write(".github/workflows/pull-request.yml", "on: push\n"),
        ".github/workflows/pull-request.yml",
    ),
    "makefile": (lambda c: c.write("Makefile", "test:\n\ttrue\n"), "Makefile"),
    "library": (lambda c: c.write("plumbline/review/merge_gate.py", "x = 1\n"), "merge_gate.py"),
    "stage": (lambda c: c.write("stages/train.py", "x = 1\n"), "stages/train.py"),
    "requirements": (lambda c: c.write("requirements.txt", "numpy==1.0\n"), "package numpy"),
    "remote": (
        lambda c: c.write(".dvc/config", "[core]\n    remote = x\n"),
        ".dvc/config: core.remote",
    ),
    "limit": (lambda c: c.set("shop.gate.max_loss", 0.25), "gate.max_loss"),
    "severity": (lambda c: c.set("shop.validate.severity", {"range": "warn"}), "validate.severity"),
    "window": (lambda c: c.set("shop.features.test_days", 2), "features.test_days"),
    "label": (
        lambda c: c.replace("usecases/shop/contract.py", 'label="minutes"', 'label="items"'),
        "label",
    ),
    "bound": (
        lambda c: c.replace("usecases/shop/contract.py", "max=50", "max=3"),
        "columns.distance",
    ),
    "delay": (
        lambda c: c.replace("usecases/shop/contract.py", "label_delay=1", "label_delay=9"),
        "label_delay",
    ),
    "slice": (
        lambda c: c.replace(MODEL, 'Slice("rain", "rain", "0 or 1"), ', ""),
        "slices.rain",
    ),
    "behaviour": (lambda c: c.replace(MODEL, "+ 2.0", "+ 0.0"), "behaviours.farther"),
    "share": (lambda c: c.replace(MODEL, "share=0.8", "share=0.0"), "behaviours.farther"),
    "replaced later": (
        lambda c: c.write(MODEL, (c.root / MODEL).read_text() + AFTER),
        "slices",
    ),
    "code at import": (
        lambda c: c.write(
            MODEL, (c.root / MODEL).read_text() + "\nsetattr(USECASE, 'slices', ())\n"
        ),
        "code at import",
    ),
    "not Python": (lambda c: c.write(MODEL, "(((("), "usecases/shop"),
}
AFTER = "\nfrom dataclasses import replace\n\nUSECASE = replace(USECASE, slices=())\n"


@pytest.mark.parametrize("name", list(ALTERED))
def test_what_the_artifact_leaves_out_is_said_and_refused(change: Change, name: str) -> None:
    edit, key = ALTERED[name]
    edit(change)
    result = judged(change)
    assert result.gate.verdict == "no"
    assert any(key in rule.key for rule in result.rules), result.rules
    assert "it changes how changes are judged" in refused(result)


def test_reasons_in_words_are_those_of_the_commit(change: Change) -> None:
    """An override that only the artifact has does not count; that of the commit does."""
    change.set("shop.gate.max_loss", 0.25)
    change.write("Makefile", "test:\n\ttrue\n")
    result = judged(change, change.found({"override": "agreed"}, override="agreed"))
    assert (result.override, result.usecases["shop"].override) == (None, None)
    change.set("shop.gate.max_loss", 0.25)
    change.write("Makefile", "test:\n\ttrue\n")
    change.set("shop.gate.override", "agreed with Kim")
    change.set("gate.override", "make is not used")
    result = judged(change)
    assert result.gate.verdict == "overridden"
    assert result.gate.overrides == {"": "make is not used", "shop": "agreed with Kim"}


def test_limits_are_those_of_base(change: Change) -> None:
    """Whatever the artifact claims: 5 % may be lost, not half."""
    loss = {"value": -0.01, "low": -0.05, "high": 0.03, "relative": None, "word": "within noise"}
    worse = {
        **RESULT,
        "metrics": {"average_precision": {"base": 0.5, "head": 0.49, "difference": loss}},
    }
    limits = {"max_loss": 0.5}
    found = change.found(
        {"limits": limits, "level": 0.6, "base": {"head": {**worse, "slices": {}}}}
    )
    result = judged(change, found)
    assert result.usecases["shop"].limits["max_loss"] == 0.05
    assert "and 5% at most" in refused(result).replace("5.0%", "5%")
    assert result.usecases["shop"].level == 0.95


def test_the_acceptance_is_that_of_the_committed_evaluation(change: Change) -> None:
    failed = {
        "verdict": "fail",
        "checks": {"baselines": "fail"},
        "reasons": ["mae does not beat linear"],
    }
    change.model("2" * 32, **{**made.GOOD, "gate": failed})
    assert "mae does not beat linear" in refused(judged(change))


def test_bases_limits_judge_heads_documents(change: Change) -> None:
    """Head lowers a floor, and its evaluation passes by it."""
    change.set("shop.evaluate.slice_floor", 0.01)
    poor = {"rain": {"1": {"value": 9.0, "low": 8.0, "high": 10.0, "rows": 40}}}
    change.model("2" * 32, **{**made.GOOD, "slices": poor})
    assert "by base's limits: slice rain 1 is 9, above its limit 1.25" in refused(judged(change))


def test_another_base_or_another_model_is_no_comparison_of_this(change: Change) -> None:
    stranger = {"name": "origin/main", "commit": "a" * 40}
    result = judged(change, change.found(base=stranger))
    assert "the base of the comparison is no commit of the branch" in refused(result)


def test_figures_of_another_model(change: Change) -> None:
    found = change.found()
    change.model("2" * 32, **made.GOOD)
    assert "not of the data and the model that dvc.lock names" in refused(judged(change, found))


def test_a_use_case_without_figures(change: Change) -> None:
    change.model("2" * 32, **made.GOOD)
    result = judged(change, change.found(usecases={}))
    assert "the comparison has no figures of it" in refused(result)


def test_main_with_another_model_by_now(change: Change) -> None:
    found = change.found()
    sha = change.push()
    change.model("3" * 32, **made.GOOD)
    change.push("main")
    result = heads.judged(change.root, found, "main", sha)
    assert "are others by now; run it again" in refused(result)


def test_a_head_that_cannot_be_read_is_no_green(change: Change, tmp_path: Path) -> None:
    """No such commit, a conflict, no remote, YAML that grows without bound."""
    found = change.found({"limits": {"max_loss": 0.9}})
    change.set("seed", 8)
    sha = change.push()
    for branch, commit in (("main", "e" * 40), ("nowhere", sha)):
        result = heads.judged(change.root, found, branch, commit)
        assert result.gate.verdict == "no"
        assert "could not be read from git" in refused(result)
    change.write("Makefile", "one\n")
    first = change.push()
    change.write("Makefile", "two\n")
    change.push("main")
    result = heads.judged(change.root, found, "main", first)
    assert "does not merge into main without a conflict" in refused(result)


@pytest.mark.parametrize("bomb", ["lol", "self", "deep"])
def test_yaml_that_grows_without_bound(change: Change, bomb: str) -> None:
    text = (change.root / "params.yaml").read_text()
    lists = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
    texts = {
        "lol": f"{text}a0: &a0 [x, x]\n{lists}",
        "self": f"{text}a0: &a0 [*a0]\n",
        "deep": f"{text}a0: {'[' * 5000}{']' * 5000}\n",
    }
    change.write("params.yaml", texts[bomb])
    result = judged(change)
    assert "params.yaml: " in refused(result)
    assert result.gate.verdict == "no"


def test_no_override_lifts_what_git_contradicts(change: Change) -> None:
    change.set("gate.override", "agreed")
    change.set("shop.gate.override", "agreed")
    stranger = {"name": "origin/main", "commit": "a" * 40}
    assert judged(change, change.found(base=stranger)).gate.verdict == "no"


def test_nothing_of_the_head_is_checked_out(change: Change) -> None:
    change.write("usecases/shop/evil.py", "raise SystemExit\n")
    judged(change)
    assert not (change.root / "usecases" / "shop" / "evil.py").exists()


def test_a_token_goes_to_the_hosts_own_repository_alone(
    change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    real = git.output

    def output(root: Path, *words: str, env: dict[str, Any] | None = None, **_: Any) -> bytes:
        if words[0] == "remote":
            return real(root, *words)
        seen.append({"words": words, "env": env or {}})
        raise PlumblineError("no network")

    for address, given in (
        ("https://github.com/acme/shop", True),
        ("https://evil.example/acme/shop", False),
        ("http://github.com/acme/shop", False),
    ):
        change.git("remote", "set-url", "origin", address)
        with monkeypatch.context() as patched:
            patched.setattr("plumbline.ops.hosting.heads.git.output", output)
            with pytest.raises(PlumblineError, match="no network"):
                heads.merge(change.root, "main", "e" * 40, "secret")
        assert ("GIT_CONFIG_VALUE_0" in seen[-1]["env"]) is given
        assert "secret" not in " ".join(seen[-1]["words"])
