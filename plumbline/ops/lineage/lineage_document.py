"""The lineage of an out or a prediction, as `lineage --json` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plumbline.core.documents import Document, SparseDocument
from plumbline.review.comparison_sections import RevisionName


class TracedOut(Document):
    """What is traced: `path`, with md5 `member_md5` where it is a file of the folder `out`."""

    path: str
    member_md5: str | None
    out: str
    md5: str


class TracedPrediction(Document):
    """An event's place in a table, row from 0, and its score; of several classes the probability of the one
    decided on.
    """

    usecase: str
    key: str
    table: str
    md5: str
    row: int
    score: float
    threshold: float | None
    decision: str | None = None


class ServedPrediction(Document):
    """An answer of a service: the row `sequence` of the folder `log`, received (ISO 8601, UTC), and by what.

    `score`: one number, or one per class. `watermark`: the histories are those of all rows up to this sequence.
    """

    usecase: str
    key: str
    request_id: str
    log: str
    sequence: int
    received: str
    score: list[float]
    alarm: bool | None
    decision: str | None
    arm: str
    route_version: int
    bundle: str
    definitions: str
    watermark: int


class RecordedCommit(Document):
    """The commit that brought a stage's entry in dvc.lock as it is."""

    commit: str
    when: str
    subject: str


class StageCode(Document):
    """A stage's code: md5s by path, and one over them."""

    md5: str
    files: Mapping[str, str]


class ImportedPath(Document):
    """A path that `dvc import` or `dvc import-url` brought, and the `deps` of its .dvc file."""

    path: str
    deps: list[Any]


class TracedSource(Document):
    """A path that no stage made."""

    path: str
    md5: str
    imported: list[ImportedPath]


class StageFacts(SparseDocument):
    """What a stage's small JSON says of source, rows and the model's features, as it says it."""

    source: Any = None
    rows: Any = None
    features: list[str] | None = None


class TracedStage(Document):
    """A stage of the chain: its entry in dvc.lock, split by kind, and MLflow's runs of it.

    `environment`: by file of pins, the versions of the libraries that can change its outs.
    """

    name: str
    command: str
    commit: RecordedCommit | None
    params: Mapping[str, Any]
    code: StageCode
    environment: Mapping[str, Mapping[str, str]] = {}
    sources: list[TracedSource]
    reads: Mapping[str, str]
    writes: Mapping[str, str]
    facts: StageFacts
    runs: list[str]


class RegisteredVersion(Document):
    """A version of MLflow's registry."""

    number: str
    aliases: list[str]


class LineageDocument(Document):
    """The chain from a target down to its sources; `breaks`: where it does not agree.

    `served`: the answer of a service that the target gave. `revisions`: those that record the same bundle.
    """

    target: TracedOut
    revision: RevisionName
    prediction: TracedPrediction | None
    stages: list[TracedStage]
    versions: list[RegisteredVersion]
    breaks: list[str]
    notes: list[str]
    served: ServedPrediction | None = None
    revisions: tuple[str, ...] = ()
