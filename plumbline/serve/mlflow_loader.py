"""What MLflow loads a registered bundle with: `loader_module: plumbline.serve.mlflow_loader` in its MLmodel.

The model's data are the bundle, UBJ and JSON. Its row functions run where the use case is checked out and
the same, or where PLUMBLINE_ADMIT names the bundle's hash: nothing that is stored with the model admits it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from plumbline.model import admission
from plumbline.model.admission import Scorer
from plumbline.serve import scoring

NEW_ENTITIES = "new_entities"

log = logging.getLogger("plumbline")


class BundleModel:
    """A bundle as MLflow calls it."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def predict(self, frame: Any, params: Mapping[str, Any] | None = None) -> Any:
        """A frame of raw events to a frame of answers, as `scoring.answers` names them.

        `params`: `new_entities`, whether histories may be absent.
        """
        import pandas as pd

        events = pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False)
        new = bool((params or {}).get(NEW_ENTITIES, False))
        return pd.DataFrame(scoring.answers(self.scorer, events, new_entities=new))


def _load_pyfunc(path: str) -> BundleModel:
    """MLflow's entry: the folder of the bundle."""
    scorer = admission.load(Path(path))
    for library in scorer.libraries:
        if library.verdict != "same":
            log.warning("%s: %s: %s", scorer.usecase.name, library, library.verdict)
    return BundleModel(scorer)
