"""The attacks by family, on the deliveries and on the diabetes table, and changes that must pass.

Each comes with a worse model (`PAYLOAD`), which the gate refuses when it comes alone.
"""

from __future__ import annotations

from bench.attacks.edits import (
    Attack,
    Edit,
    appended,
    both,
    lines,
    params,
    removed,
    renamed,
    replaced,
)
from tests.project import Project

DELIVERIES, DIABETES = "deliveries", "diabetes"
PAYLOAD: dict[str, Edit] = {
    DELIVERIES: params({f"{DELIVERIES}.train.rounds": 48}),
    DIABETES: params({f"{DIABETES}.train.rounds": 1, f"{DIABETES}.train.params": {"eta": 0.01}}),
}
CSV = "sources/deliveries/deliveries.csv"


def part(name: str, module: str) -> str:
    """A module of a use case."""
    return f"usecases/{name}/{module}.py"


def rules(name: str) -> list[Attack]:
    """Limits, slices, behaviours, tests and workflows that are made to say less."""
    slices = {
        DELIVERIES: 'Slice("rain", "rain", "0 or 1"), ',
        DIABETES: 'Slice("sex", "sex", "as coded"), ',
    }
    widest = {"seed_replicates": 5, "margin": 0.05, "max_loss": 0.25, "slice_loss": 0.5}
    sections = {
        "gate limits beyond what is allowed": {
            f"{name}.gate": {"seed_replicates": 0, "margin": 1.0}
        },
        "gate limits at their widest": {f"{name}.gate": widest},
        "no floor for slices, no limit of the bias": {
            f"{name}.evaluate.slice_floor": 0.0,
            f"{name}.evaluate.max_bias": 100.0,
        },
        "intervals at a level of 0.999": {f"{name}.evaluate.level": 0.999},
        "one replicate of the bootstrap": {f"{name}.evaluate.bootstrap": 1},
        "a monitor that never alerts": {
            f"{name}.monitor.quality": {"warning": 0.98, "alert": 0.99},
            f"{name}.monitor.min_importance": 1.0,
        },
        "everything may be set aside": {f"{name}.validate.max_quarantine": 1.0},
        "checks of the contract only warn": {f"{name}.validate.severity": {"range": "warn"}},
    }
    found = [Attack("rules", what, params(changes)) for what, changes in sections.items()]
    model = part(name, "model")
    return [
        *found,
        Attack("rules", "a slice removed", fewer_slices(model, slices[name], LAST[name])),
        Attack("rules", "a behaviour that always holds", replaced(model, "share=0.", "share=0.0")),
        Attack(
            "rules",
            "the naive answer removed",
            replaced(model, f'    naive="{NAIVE[name]}",\n', ""),
        ),
    ]


LAST = {DELIVERIES: "edges=(3,))", DIABETES: "edges=(50,))"}


def fewer_slices(model: str, first: str, last: str) -> Edit:
    """Without the first slice; the second is still a tuple."""
    return both(replaced(model, first, ""), replaced(model, last, f"{last},"))


NAIVE = {DELIVERIES: "distance", DIABETES: "bmi"}


def project_rules() -> list[Attack]:
    """What runs and checks every change."""
    return [
        Attack("rules", "no use case at all", params({"usecases": []})),
        Attack(
            "rules",
            "tests deleted",
            removed("tests/code/test_metrics.py", "tests/code/test_docs.py"),
        ),
        Attack(
            "rules",
            "make test is true",
            replaced("Makefile", "test: install", "test:\n\ttrue\nold:"),
        ),
        Attack(
            "rules",
            "the workflow's gate is gone",
            replaced(GATE_STEP[0], GATE_STEP[1], "run: true"),
        ),
        Attack(
            "rules",
            "another remote for DVC",
            appended(".dvc/config", "\n['remote \"x\"']\n    url = /x\n"),
        ),
        Attack(
            "rules",
            "another version of a library",
            replaced("requirements.txt", "numpy==2", "numpy==1"),
        ),
        Attack(
            "rules",
            "a conftest that skips the tests",
            appended("tests/code/conftest.py", "collect_ignore_glob = ['*']\n"),
        ),
    ]


GATE_STEP = (
    ".github/workflows/pull-request.yml",
    "run: python -m plumbline gate reports/change.json",
)


def data() -> list[Attack]:
    """Rows, labels and windows that make the worse model look as good."""
    bound = replaced(
        part(DELIVERIES, "contract"), '"to the door", min=0, max=50', '"to the door", min=0, max=3'
    )
    rush = replaced(part(DELIVERIES, "features"), '"hour", "rain"),', '"hour", "rain", "rush"),')
    return [
        Attack(
            "data",
            "a bound sets the far orders aside",
            both(bound, params({f"{DELIVERIES}.validate.max_quarantine": 1.0})),
        ),
        Attack(
            "data",
            "the same with a new feature",
            both(bound, rush, params({f"{DELIVERIES}.validate.max_quarantine": 1.0})),
        ),
        Attack(
            "data",
            "the rows of hard days are deleted",
            lines(CSV, lambda rows: [r for r in rows if ",1," not in r[-12:]]),
        ),
        Attack("data", "labels are moved towards their mean", lines(CSV, _flat)),
        Attack("data", "easy rows are added to the test window", lines(CSV, _easy)),
        Attack("data", "an earlier as-of date", params({f"{DELIVERIES}.data.as_of": "2025-04-10"})),
        Attack("data", "a shorter test window", params({f"{DELIVERIES}.features.test_days": 6})),
        Attack(
            "data",
            "a longer label delay",
            replaced(part(DELIVERIES, "contract"), "label_delay=1", "label_delay=9"),
        ),
        Attack(
            "data",
            "a label in coarser steps",
            replaced(
                part(DELIVERIES, "contract"),
                "    columns=(",
                '    derive={"minutes": "round(minutes, -1)"},\n    columns=(',
            ),
        ),
    ]


def identity() -> list[Attack]:
    """The model under another name, or with another label."""
    label = both(
        replaced(part(DELIVERIES, "contract"), 'label="minutes"', 'label="took"'),
        replaced(part(DELIVERIES, "contract"), 'Column("minutes"', 'Column("took"'),
        replaced(
            part(DELIVERIES, "contract"),
            "    columns=(",
            '    derive={"took": "minutes"},\n    columns=(',
        ),
    )
    key = both(
        replaced(part(DELIVERIES, "contract"), 'key="delivery"', 'key="number"'),
        replaced(part(DELIVERIES, "contract"), 'Column("delivery"', 'Column("number"'),
        replaced(
            part(DELIVERIES, "contract"),
            "    columns=(",
            '    derive={"number": "delivery + 1000000"},\n    columns=(',
        ),
    )
    return [
        Attack("identity", "the label renamed through derive", label),
        Attack("identity", "the keys renumbered through derive", key),
        Attack("identity", "the use case renamed", renamed(DELIVERIES, "orders")),
        Attack("identity", "the use case dropped", params({"usecases": [DIABETES]})),
    ]


PATCHED_WORD = """

from plumbline.metrics import bootstrap  # noqa: E402

bootstrap.word = lambda *given, **named: "better"
"""
PATCHED_GATE = """

import sys  # noqa: E402

import plumbline.metrics.bootstrap as found  # noqa: E402

found.estimate = lambda replicates, sample, level: found.Estimate(0.0, -0.001, 0.001)
"""


def code(name: str) -> list[Attack]:
    """Code of the change that reaches into what judges."""
    return [
        Attack(
            "code", "the use case replaces the word", appended(part(name, "features"), PATCHED_WORD)
        ),
        Attack(
            "code",
            "the use case replaces the interval",
            appended(part(name, "model"), PATCHED_GATE),
        ),
        Attack(
            "code",
            "the library's gate says yes",
            replaced(
                "plumbline/review/merge_gate.py",
                'verdict = "no" if standing',
                'verdict = "yes" if standing',
            ),
        ),
        Attack(
            "code",
            "the library's word is always better",
            replaced(
                "plumbline/metrics/bootstrap.py",
                'return "better" if higher_is_better else "worse"',
                'return "better"',
            ),
        ),
        Attack(
            "code",
            "the evaluate stage writes a pass",
            appended("stages/evaluate.py", "\n# passes\n"),
        ),
        Attack("code", "the behaviour changes nothing", _same_event(name)),
        Attack("code", "edited metrics", params({}), after=_edited_metrics(name)),
        Attack("code", "an edited dvc.lock", params({}), after=_edited_lock(name)),
    ]


def noise(name: str) -> list[Attack]:
    """Models so unstable that their own noise hides the loss."""
    train = f"{name}.train.params"
    eta = {"eta": 0.1, "max_depth": 2} if name == DELIVERIES else {}
    settings = {
        "rows and columns drawn": {"subsample": 0.7, "colsample_bytree": 0.7},
        "half of the columns drawn at each level": {"colsample_bylevel": 0.5, "subsample": 0.5},
        "a tenth of the rows drawn": {"subsample": 0.1},
        "one column drawn for each node": {"colsample_bynode": 0.3, "subsample": 0.8},
    }
    return [
        Attack("noise", what, params({train: {**eta, **own}})) for what, own in settings.items()
    ]


def attacks() -> dict[str, list[Attack]]:
    """By use case."""
    return {
        DELIVERIES: [
            *rules(DELIVERIES),
            *project_rules(),
            *data(),
            *identity(),
            *code(DELIVERIES),
            *noise(DELIVERIES),
        ],
        DIABETES: [*rules(DIABETES), *code(DIABETES), *noise(DIABETES)],
    }


def controls() -> list[Attack]:
    """Changes that must pass, each by itself."""
    doc = replaced(
        part(DELIVERIES, "features"),
        "Whether most people order, 0 or 1.",
        "0 or 1: do most people order?",
    )
    rush = replaced(part(DELIVERIES, "features"), '"hour", "rain"),', '"hour", "rain", "rush"),')
    better = params(
        {f"{DELIVERIES}.train": {"rounds": 400, "params": {"eta": 0.1, "max_depth": 4}}}
    )
    return [
        Attack("control", "a better model", better),
        Attack("control", "a docstring of a feature", doc),
        Attack("control", "a new feature", rush),
        Attack("control", "another seed", params({"seed": 8})),
        Attack("control", "more days of data", _newer),
        Attack("control", "a new use case", _second),
    ]


def _flat(rows: list[str]) -> list[str]:
    split = [row.rsplit(",", 1) for row in rows]
    return [f"{start},{round(35 + 0.5 * (float(label) - 35), 1)}" for start, label in split]


def _easy(rows: list[str]) -> list[str]:
    extra = [row.split(",") for row in rows[-800:] if float(row.rsplit(",", 1)[1]) < 25]
    return rows + [",".join([str(1_000_000 + i), *cells[1:]]) for i, cells in enumerate(extra * 3)]


def _same_event(name: str) -> Edit:
    old = {DELIVERIES: 'event["distance"] + 2.0', DIABETES: 'event["bmi"] + 5.0'}
    return replaced(part(name, "model"), old[name], old[name].split(" ")[0])


def _edited_metrics(name: str) -> Edit:
    return replaced(f"metrics/{name}/evaluate.json", '"verdict": "', '"verdict":  "')


def _edited_lock(name: str) -> Edit:
    def edit(project: Project) -> None:
        lock = project.path / "dvc.lock"
        text = lock.read_text()
        payload = "rounds: 48" if name == DELIVERIES else "rounds: 1\n"
        assert payload in text
        lock.write_text(
            text.replace(payload, "rounds: 60" if name == DELIVERIES else "rounds: 100\n")
        )

    return edit


def _newer(project: Project) -> None:
    from tests.usecases import delivery_rows

    path = project.path / CSV
    rows = path.read_text().splitlines()[1:]
    delivery_rows.write(path, rows + delivery_rows.rows("2025-05-01", 14, start=len(rows)))
    params({f"{DELIVERIES}.data.as_of": "2025-05-15"})(project)


def _second(project: Project) -> None:
    import shutil

    for module in ("contract", "features", "model", "__init__"):
        source, target = (project.path / part(n, module) for n in (DELIVERIES, "parcels"))
        target.parent.mkdir(exist_ok=True)
        target.write_text(source.read_text().replace(DELIVERIES, "parcels"))
    shutil.copytree(project.path / "sources" / DELIVERIES, project.path / "sources" / "parcels")
    for file in (project.path / "profiles").glob(f"{DELIVERIES}.*"):
        shutil.copy2(file, file.with_name(file.name.replace(DELIVERIES, "parcels")))
    import yaml

    whole = yaml.safe_load((project.path / "params.yaml").read_text())
    section = yaml.safe_dump(whole[DELIVERIES]).replace(DELIVERIES, "parcels")
    whole["parcels"] = yaml.safe_load(section)
    whole["usecases"] = [*whole["usecases"], "parcels"]
    (project.path / "params.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
