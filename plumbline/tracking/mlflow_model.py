"""A bundle as a model of MLflow: an MLmodel file, a signature and an example beside UBJ and JSON.

The process that talks to MLflow imports it. Nothing is pickled, and of the bundle nothing is executed.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plumbline.core.declarations import Column
from plumbline.core.files import write_json
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle, usecase_file
from plumbline.model.manifest import Manifest
from plumbline.serve import event_table, mlflow_loader, scoring

LOADER = mlflow_loader.__name__
DATA = "bundle"
TYPES = {
    "int": "long",
    "float": "double",
    "string": "string",
    "bool": "boolean",
    "timestamp": "datetime",
}
A_TIME = "2026-01-01T12:00:00"
EXAMPLE, REQUEST = "input_example.json", "serving_input_example.json"


def is_bundle(folder: Path) -> bool:
    """Whether it can be registered as a model; what a stage of other code writes is kept as it is."""
    path = folder / bundle.MANIFEST
    return path.is_file() and b'"format"' in path.read_bytes()


def write(folder: Path, target: Path) -> None:
    """The bundle in `folder` as a model in the new folder `target`.

    A bundle from before it carried its use case gets no signature: its histories are not in it.
    """
    import mlflow.pyfunc
    from mlflow.models import Model

    manifest, carried = bundle.described(folder)
    (target / DATA).mkdir(parents=True)
    for name in admission.files(folder):
        shutil.copyfile(folder / name, target / DATA / name)
    digest = admission.digest(target / DATA)
    about = {"usecase": manifest.usecase, "bundle_sha256": digest}
    model = Model(metadata=about)
    if carried:
        _describe(model, usecase_file.stub(carried), manifest, target)
    _write_environment(target, carried.libraries if carried else {})
    mlflow.pyfunc.add_to_model(
        model, loader_module=LOADER, data=DATA, env={"virtualenv": "python_env.yaml"}
    )
    model.save(str(target / "MLmodel"))


def _describe(model: Any, usecase: FeatureSet, manifest: Manifest, target: Path) -> None:
    """Signature and example of a model."""
    past = event_table.histories(usecase, scoring.wanted(manifest))
    model.signature = _signature(usecase, past, _answers(manifest))
    event = example(usecase, past)
    frame = {"columns": list(event), "data": [list(event.values())]}
    write_json(target / EXAMPLE, frame)
    write_json(target / REQUEST, {"dataframe_split": frame})
    model.saved_input_example_info = {
        "artifact_path": EXAMPLE,
        "type": "dataframe",
        "pandas_orient": "split",
        "serving_input_path": REQUEST,
    }


def _write_environment(target: Path, libraries: Mapping[str, str]) -> None:
    """What `--env-manager` other than local reads. Plumbline is on no index: it is installed beside them."""
    pins = "".join(f"{name}=={version}\n" for name, version in libraries.items())
    (target / "requirements.txt").write_text(f"mlflow\n{pins}", encoding="utf-8")
    python = f'python: "{platform.python_version()}"\n'
    (target / "python_env.yaml").write_text(
        f"{python}dependencies:\n  - -r requirements.txt\n", encoding="utf-8"
    )


def _signature(usecase: FeatureSet, past: Sequence[str], answers: Mapping[str, Any]) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    optional = set(usecase.optional)
    inputs = [ColSpec(_type(c), c.name, required=c.name not in optional) for c in usecase.known]
    inputs += [ColSpec("double", n, required=False) for n in past]
    outputs = [ColSpec(kind, name) for name, kind in answers.items()]
    new = ParamSpec(mlflow_loader.NEW_ENTITIES, "boolean", False)
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema([new]))


def _answers(manifest: Manifest) -> dict[str, Any]:
    """The answers' columns and MLflow's types."""
    if manifest.classes:
        kind = "string" if isinstance(manifest.classes[0], str) else "long"
        names = scoring.probability_names(manifest.classes)
        return {**dict.fromkeys(names, "double"), scoring.DECISION: kind}
    alarm = {scoring.ALARM: "boolean"} if manifest.threshold else {}
    decision = {scoring.DECISION: "string"} if manifest.decisions else {}
    return {scoring.SCORE: "double", **alarm, **decision}


def _type(column: Column) -> Any:
    """MLflow's type; of a nullable whole number or truth value a double, which can hold nothing."""
    nullable = column.null and column.type in ("int", "bool")
    return "double" if nullable else TYPES[column.type]


def example(usecase: FeatureSet, past: Sequence[str]) -> dict[str, Any]:
    """One event that passes the contract, with its histories: values as JSON has them."""
    rules = {rule.column: rule for rule in usecase.only}
    values = {c.name: _value(c, rules.get(c.name)) for c in usecase.known}
    values |= {h.name: h.empty_value for h in usecase.aggregates if h.name in past}
    return values


def _value(column: Column, rule: Any) -> Any:
    choices = [*(rule.values if rule else ()), *column.allowed]
    if choices:
        return choices[0]
    if column.type in ("string", "timestamp"):
        return "example" if column.type == "string" else A_TIME
    if column.type == "bool":
        return False
    number = max([0, *_lowest(column, rule)])
    number = number if column.max is None else min(number, column.max)
    return int(number) if column.type == "int" else float(number)


def _lowest(column: Column, rule: Any) -> Iterator[float]:
    yield from (v for v in (column.min, rule.low if rule else None) if v is not None)
