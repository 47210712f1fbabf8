"""NannyML in an environment of its own: answers JSON lines on its standard input, one a request.

Knows nothing of the project: it is run by an interpreter that has NannyML and no Plumbline. A request
is {"do": "fit", "part", "path"} or {"do": "judge", "path"}; paths are Parquet with a column `day`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import warnings
from typing import Any

os.environ["NML_DISABLE_USAGE_LOGGING"] = "1"
warnings.simplefilter("ignore")

CATEGORIES = ("kind", "category")
EXTRA = ("day", "pred", "label")
METRICS = ("roc_auc", "average_precision")


def calculator(part: str, columns: list[str]) -> Any:
    """Univariate drift of each column, or CBPE, both with their defaults, a chunk a day."""
    import nannyml

    if part == "univariate":
        return nannyml.UnivariateDriftCalculator(
            column_names=[c for c in columns if c not in EXTRA],
            treat_as_categorical=list(CATEGORIES),
            timestamp_column_name="day",
            chunk_period="D",
        )
    return nannyml.CBPE(
        y_pred_proba="score",
        y_pred="pred",
        y_true="label",
        timestamp_column_name="day",
        chunk_period="D",
        metrics=list(METRICS),
        problem_type="classification_binary",
    )


def answer(part: str, fitted: Any, path: str) -> dict[str, Any]:
    """The columns (or metrics) that alert in the window, and their values."""
    import pandas as pd

    frame = pd.read_parquet(path)
    calculate = fitted.calculate if part == "univariate" else fitted.estimate
    table = calculate(frame).filter(period="analysis").to_df()
    if part == "univariate":
        alerts = [c[0] for c in table if c[-1] == "alert" and bool(table[c].any())]
        return {"columns": alerts, "values": {}}
    alerts = [m for m in METRICS if bool(table[(m, "alert")].any())]
    return {"columns": alerts, "values": {m: float(table[(m, "value")].iloc[-1]) for m in METRICS}}


def serve() -> None:
    """Answer until the input ends; an error is an answer too."""
    import pandas as pd

    part, fitted, out = "", None, sys.stdout
    for line in sys.stdin:
        request = json.loads(line)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                if request["do"] == "fit":
                    frame = pd.read_parquet(request["path"])
                    part = request["part"]
                    fitted = calculator(part, list(frame)).fit(frame)
                    reply: dict[str, Any] = {}
                else:
                    reply = answer(part, fitted, request["path"])
        except Exception as error:  # noqa: BLE001 - handed on: a crash is what is counted
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=out, flush=True)


if __name__ == "__main__":
    serve()
