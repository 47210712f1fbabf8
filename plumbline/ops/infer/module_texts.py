"""The modules of an inferred use case as source code, each guess with its evidence in a comment. Pure."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from plumbline.core.usecase import UseCase
from plumbline.ops.infer.code_text import (
    INDENT,
    WIDTH,
    comment,
    declaration,
    docstring,
    laid_out,
    literal,
    mapping,
)
from plumbline.ops.infer.draft import Draft, RowFunction
from plumbline.ops.infer.guess import Evidence, RefusedGuess

FUTURE = "from __future__ import annotations"


def modules(draft: Draft) -> dict[str, str]:
    """The texts by module."""
    label = docstring(draft.contract.label.source)
    return {
        "__init__": f'"""{draft.name}: {label}, predicted from the other columns of the table."""\n',
        "contract": _contract(draft),
        "features": _features(draft),
        "model": _model(draft),
    }


def _contract(draft: Draft) -> str:
    parts = draft.contract
    kinds = ["Column", *(["Entity"] if parts.entities else [])]
    lines = [
        f'"""The events of {draft.name}, as inferred from {docstring(draft.file.path.name)}: correct what is wrong."""',
        *("", FUTURE, ""),
        f"from plumbline.core.declarations import {', '.join(kinds)}",
        *("from plumbline.core.usecase import Contract", ""),
        *_listed("Left out, and why:", draft.evidence, lambda e: e.guess == "left out"),
        *_considered(draft.refused),
        "COLUMNS = (",
    ]
    for column in parts.columns:
        lines += comment(parts.comments.get(column.name, ""), 1)
        lines.append(laid_out(declaration(column), 1))
    lines.append(")")
    if parts.derive:
        lines += ["", *mapping("DERIVE", parts.derive)]
    return _text([*lines, "", *_contract_call(draft)])


def _contract_call(draft: Draft) -> list[str]:
    parts = draft.contract
    fields: list[tuple[str, str, str]] = [
        ("name", literal(draft.name), ""),
        ("title", literal(draft.name.replace("_", " ").capitalize()), ""),
        ("owner", literal("you@example.com"), "who answers for the model"),
        ("problem", literal(parts.label.problem), f"label: {parts.label.reason}"),
        ("key", literal(parts.key.name), parts.key.reason),
        ("label", literal(parts.label.name), ""),
    ]
    if parts.time:
        fields.append(("time", literal(parts.time.name), parts.time.reason))
        for name, number in parts.label_delay.fields.items():
            why = _reason(draft, "label_delay") if name == "label_delay" else ""
            fields.append((name, str(number), why))
    lines = ["CONTRACT = Contract("]
    for name, value, why in fields:
        lines += [*(comment(why, 1) if why else []), f"{INDENT}{name}={value},"]
    if parts.entities:
        lines += comment(_reason(draft, "entities"), 1)
        lines += _several("entities", parts.entities)
    lines += [f"{INDENT}derive=DERIVE,"] if parts.derive else []
    return [*lines, f"{INDENT}columns=COLUMNS,", ")"]


def _features(draft: Draft) -> str:
    parts = draft.features
    kinds = [
        *(["Array"] if parts.rows else []),
        *(["Category"] if parts.categories else []),
        *(["Fresh"] if parts.fresh else []),
        *(["Row"] if parts.rows else []),
        *(["Snapshot"] if parts.snapshots else []),
    ]
    declared = [f"from plumbline.core.declarations import {', '.join(kinds)}"] if kinds else []
    lines = [
        f'"""The features of {draft.name}, in the order in which the model sees them."""',
        *("", FUTURE, ""),
        *(["import numpy as np", ""] if any("np." in r.body for r in parts.rows) else []),
        *declared,
        "from plumbline.core.usecase import FeatureSet",
        f"from usecases.{draft.name}.contract import CONTRACT",
        "",
    ]
    for name, values in (
        ("SNAPSHOTS", parts.snapshots),
        ("FRESH", parts.fresh),
        ("CATEGORIES", parts.categories),
    ):
        if values:
            lines += [*comment(_reason(draft, name.lower()), 0), *_tuple(name, values), ""]
    for row in parts.rows:
        lines += ["", *_function(row), ""]
    if parts.rows:
        lines.append("")
    return _text([*lines, *_features_call(draft)])


def _features_call(draft: Draft) -> list[str]:
    parts = draft.features
    lines = ["FEATURES = FeatureSet.of(", f"{INDENT}CONTRACT,"]
    lines += [f"{INDENT}snapshots=SNAPSHOTS,"] if parts.snapshots else []
    lines += [f"{INDENT}fresh=FRESH,"] if parts.fresh else []
    lines += [f"{INDENT}categories=CATEGORIES,"] if parts.categories else []
    if parts.rows:
        rows = [f"Row({r.name})" for r in parts.rows]
        lines.append(laid_out(f"rows=({', '.join(rows)}{',' * (len(rows) == 1)})", 1))
    lines.append(f"{INDENT}features=(")
    lines += [f"{INDENT * 2}{literal(f)}," for f in parts.features]
    lines.append(f"{INDENT}),")
    if parts.offset:
        lines += [*comment(_reason(draft, "offset"), 1), f"{INDENT}offset={literal(parts.offset)},"]
    return [*lines, ")"]


def _function(row: RowFunction) -> list[str]:
    inputs = ", ".join(f"{name}: Array" for name in row.inputs)
    return [
        f"def {row.name}({inputs}) -> Array:",
        f'{INDENT}"""{docstring(row.description)}."""',
        *(f"{INDENT}{line}" for line in row.body.split("\n")),
    ]


def _model(draft: Draft) -> str:
    parts = draft.features
    kinds = [*(["Slice"] if parts.slices else []), "Use"]
    lines = [
        f'"""How the answers of {draft.name} are judged: slices, groups, behaviours, intended use."""',
        *("", FUTURE, ""),
        f"from plumbline.core.declarations import {', '.join(kinds)}",
        "from plumbline.core.usecase import UseCase",
        *(f"from usecases.{draft.name}.features import FEATURES", "", "USECASE = UseCase.of("),
        f"{INDENT}FEATURES,",
    ]
    if parts.naive:
        lines += [*comment(_reason(draft, "naive"), 1), f"{INDENT}naive={literal(parts.naive)},"]
    if parts.slices:
        lines += comment(_reason(draft, "slices"), 1)
        lines += _several("slices", parts.slices)
    use = f"use=Use(limits=({literal('Inferred from the table; no person has reviewed it yet.')},))"
    lines += ["    # behaviours=..., groups=...: how answers must respond, and whom to treat alike"]
    return _text([*lines, laid_out(use, 1), ")"])


def _tuple(name: str, values: Sequence[Any]) -> list[str]:
    line = f"{name} = ({declaration(values[0])},)"
    if len(values) == 1 and len(line) <= WIDTH:
        return [line]
    return [f"{name} = (", *(laid_out(declaration(v), 1) for v in values), ")"]


def _several(name: str, values: Sequence[Any]) -> list[str]:
    """An argument that is a tuple of declarations; one alone in one line, where it fits."""
    line = f"{INDENT}{name}=({declaration(values[0])},),"
    if len(values) == 1 and len(line) <= WIDTH:
        return [line]
    inner = [laid_out(declaration(v), 2) for v in values]
    return [f"{INDENT}{name}=(", *inner, f"{INDENT}),"]


def _reason(draft: Draft, subject: str) -> str:
    return next((e.reason for e in draft.evidence if e.subject == subject), "")


def _listed(title: str, evidence: Iterable[Evidence], chosen: Any) -> list[str]:
    lines = [
        line for e in evidence if chosen(e) for line in comment(f"- {e.subject}: {e.reason}", 0)
    ]
    return [f"# {title}", *lines, ""] if lines else []


def _considered(refused: Iterable[RefusedGuess]) -> list[str]:
    lines = [
        line for r in refused for line in comment(f"- {r.subject} as {r.considered}: {r.reason}", 0)
    ]
    return ["# Considered and refused:", *lines, ""] if lines else []


def _text(lines: Sequence[str]) -> str:
    return "\n".join(lines).rstrip("\n") + "\n"


def loaded(name: str, texts: Mapping[str, str]) -> UseCase:
    """The use case that the texts declare, without a file; SpecError where it cannot be."""
    package = f"usecases.{name}"
    before = {m: sys.modules.get(m) for m in (package, *(f"{package}.{part}" for part in texts))}
    try:
        sys.modules[package] = ModuleType(package)
        for part in ("contract", "features", "model"):
            module = ModuleType(f"{package}.{part}")
            sys.modules[module.__name__] = module
            exec(compile(texts[part], f"{part}.py", "exec"), module.__dict__)  # noqa: S102, own text
        usecase: UseCase = module.USECASE
        return usecase
    finally:
        for module_name, old in before.items():
            sys.modules.pop(module_name, None)
            sys.modules.update({module_name: old} if old else {})
