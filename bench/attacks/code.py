"""Code of a change that reaches into what judges."""

from __future__ import annotations

from bench.attacks.edits import Attack, Edit, appended, git, linked, params, replaced
from bench.attacks.subjects import DELIVERIES, DIABETES, part
from tests.project import Project

PATCHES = {
    "replaces the word": """
from plumbline.metrics import bootstrap

bootstrap.word = lambda *given, **named: "better"
""",
    "replaces the interval": """
import plumbline.metrics.bootstrap as found

found.estimate = lambda replicates, sample, level: found.Estimate(0.0, -0.001, 0.001)
""",
    "patches numpy": """
import numpy

numpy.hypot = lambda *given: numpy.zeros(())
""",
    "patches what is loaded": """
import sys

for name, module in list(sys.modules.items()):
    if name.endswith("metrics.bootstrap"):
        module.word = lambda *given, **named: "better"
""",
    "sets git's configuration": """
import subprocess

subprocess.run(["git", "config", "core.attributesFile", "/dev/null"], check=False)
""",
    "leaves a file that Python imports": """
import pathlib

pathlib.Path("sitecustomize.py").write_text("import json")
""",
    "writes to the code that judges": """
import pathlib

for own in pathlib.Path("../tmp").glob("plumbline-code-*/usecases/__init__.py"):
    own.write_bytes(b"PATCHED = True")
""",
    "hides a slice from all but the judge": """
import sys

if "plumbline.review.side_process" not in sys.orig_argv:
    import dataclasses

    USECASE = dataclasses.replace(USECASE, slices=())
""",
}
LINES = {
    "the library's gate says yes": (
        "plumbline/review/merge_gate.py",
        'verdict = "no" if standing',
        'verdict = "yes" if standing',
    ),
    "the library's word is always better": (
        "plumbline/metrics/bootstrap.py",
        'return "better" if (difference.low > 0) == higher_is_better else "worse"',
        'return "better"',
    ),
    "the library finds no rules": (
        "plumbline/review/judging_rules.py",
        "    return [RuleChange(usecase=usecase, key=k, base=b, head=h) for usecase, k, b, h in found]",
        "    return []",
    ),
}


def of_usecase(name: str) -> list[Attack]:
    """All of them."""
    model = part(name, "model")
    return [
        *(
            Attack("code", f"the use case {what}", appended(model, f"\n{code}"))
            for what, code in PATCHES.items()
        ),
        *(Attack("code", what, replaced(*edit)) for what, edit in LINES.items()),
        Attack("code", "a stage is written anew", appended("stages/evaluate.py", "\n# passes\n")),
        Attack("code", "the behaviour changes nothing", _same_event(name)),
        Attack("code", "the module behind a link", linked(model, "\n\nPASSES = 1\n")),
        Attack(
            "code", "code for all use cases", appended("usecases/__init__.py", "\nPASSES = 1\n")
        ),
        Attack("code", "edited metrics", params({}), after=_edited_metrics(name)),
        Attack("code", "an edited dvc.lock", params({}), after=_edited_lock(name)),
        Attack(
            "code", "base's dvc.lock", params({}), after=git("checkout", "attacks-base", "dvc.lock")
        ),
        Attack("code", "base's commit replaced by head's", params({}), before=_replaced_base),
    ]


def _replaced_base(project: Project) -> None:
    """As code in a stage could write into git's folder."""
    project.run("git", "replace", "-f", "attacks-base", "HEAD")


def _same_event(name: str) -> Edit:
    old = {DELIVERIES: 'event["distance"] + 2.0', DIABETES: 'event["bmi"] + 5.0'}
    return replaced(part(name, "model"), old[name], old[name].split(" ")[0])


def _edited_metrics(name: str) -> Edit:
    return replaced(f"metrics/{name}/evaluate.json", '"verdict": "', '"verdict":  "')


def _edited_lock(name: str) -> Edit:
    old, new = ("rounds: 48", "rounds: 60") if name == DELIVERIES else ("rounds: 35", "rounds: 100")
    return replaced("dvc.lock", old, new)
