"""Outcomes from a file to a service: typed, taken once, refused rows apart, unknown keys counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest

from plumbline.core.errors import PlumblineError, SourceError
from plumbline.ops.feedback import outcome_calls, send_outcomes
from plumbline.ops.feedback.send_outcomes import SendOptions, SentOutcomes
from plumbline.serve.protocols import LoggedOutcome
from plumbline.serve.service import Service
from tests import serviced
from tests.boosting import parcels
from tests.serviced import answers, parcel

HEADER = "number,known_at,broken,weight"
GOOD = ("1,2025-03-02 10:00:00,1,5", "2,2025-03-02 11:00:00,0,7", "999,2025-03-02,0,5")


class ToService:
    """Stands for a connection: the service answers in this thread. `broken`: requests that get no answer."""

    def __init__(self, service: Service) -> None:
        self.service, self.broken, self.bodies = service, 0, []
        self._answer: Any = None

    def request(self, _method: str, path: str, data: bytes, headers: dict[str, str]) -> None:
        assert path.endswith("/v1/parcels/outcomes")
        self.bodies.append(json.loads(data)["outcomes"])
        reply = self.service.outcomes(data, "r")
        if self.broken:
            self.broken -= 1
            raise ConnectionResetError("reset")  # taken, and the answer is lost
        self._answer = reply

    def getresponse(self) -> Any:
        response = BytesIO(self._answer.body)
        response.status, response.headers = self._answer.status, {}  # type: ignore[attr-defined]
        return response

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return serviced.made(tmp_path_factory.mktemp("service"))


@pytest.fixture
def connection(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToService]:
    monkeypatch.chdir(tmp_path)
    with serviced.serving(base, tmp_path / "s", max_age=9) as service:
        answers(service, *(parcel(n) for n in range(5)))
        one = ToService(service)
        monkeypatch.setattr(outcome_calls, "_connection", lambda *_: one)
        yield one


def sent(*rows: str, header: str = HEADER, **options: Any) -> SentOutcomes:
    Path("o.csv").write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return send_outcomes.send(parcels(), "o.csv", SendOptions("http://127.0.0.1:1", **options))


def logged(connection: ToService) -> list[tuple[Any, bool, Any]]:
    connection.service.parts.log.flush()
    rows = connection.service.parts.reader.rows()
    return [(r.key, r.matched, r.values["broken"]) for r in rows if isinstance(r, LoggedOutcome)]


@pytest.mark.capability("B7")
def test_a_file_counts_once_however_often_it_is_sent(connection: ToService) -> None:
    first = sent(*GOOD)
    assert (first.rows, first.taken, first.repeated, first.unknown, first.refused) == (
        3,
        3,
        0,
        1,
        0,
    )
    held = logged(connection)
    assert held == [(1, True, 1), (2, True, 0), (999, False, 0)]
    again = sent(*reversed(GOOD), GOOD[0], most=2)
    assert (again.taken, again.repeated, again.unknown) == (0, 4, 0)
    assert logged(connection) == held
    assert "3 outcomes, 3 taken" in next(iter(send_outcomes.lines(first)))


def test_a_correction_is_kept_beside_what_it_corrects(connection: ToService) -> None:
    sent(*GOOD)
    later = sent("1,2025-03-09 10:00:00,0,5")
    assert (later.taken, later.unknown) == (1, 0)
    assert [r for r in logged(connection) if r[0] == 1] == [(1, True, 1), (1, True, 0)]


def test_refused_rows_do_not_keep_others_from_being_taken(connection: ToService) -> None:
    late = "3,2025-03-02 10:00:00,7,5"
    result = sent(*GOOD, late, "4,2025-03-02 10:00:00,1,5")
    assert (result.taken, result.refused) == (4, 1)
    (one,) = result.listed
    assert one.place == "line 5"
    assert one.problem.startswith("broken: found 7")
    assert len(logged(connection)) == 4


def test_an_answer_that_is_lost_counts_nothing_twice(connection: ToService) -> None:
    connection.broken = 2
    result = sent(*GOOD)
    assert (result.taken, result.repeated) == (0, 3)
    assert len(logged(connection)) == 3
    connection.broken = 99
    with pytest.raises(PlumblineError, match=r"no answer \(reset\).*Send the file again"):
        sent("3,2025-03-02 10:00:00,1,5")


def test_without_a_moment_outcomes_are_known_when_they_are_taken(connection: ToService) -> None:
    result = sent("1,1,5", header="number,broken,weight")
    assert result.taken == 1
    assert connection.bodies == [[{"number": 1, "broken": 1, "weight": 5}]]


def test_parquet_and_a_column_of_another_name(connection: ToService) -> None:
    query = (
        "SELECT 1 AS number, TIMESTAMPTZ '2025-03-02 10:00+02' AS decided, 1 AS broken, 5 AS weight"
    )
    duckdb.sql(f"COPY ({query}) TO 'o.parquet' (FORMAT parquet)")
    options = SendOptions("http://127.0.0.1:1", known_at="decided")
    assert send_outcomes.send(parcels(), "o.parquet", options).taken == 1
    assert connection.bodies[0][0]["known_at"] == "2025-03-02T08:00:00Z"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("x,2025-03-02,1,5", r"column 'number': expected a whole number, found 'x' in line 2"),
        (",2025-03-02,1,5", r"column 'number': .*nothing in line 2.*every row needs one"),
        ("1,yesterday,1,5", r"column 'known_at': expected a time"),
    ],
)
def test_a_file_that_does_not_fit_is_sent_in_no_part(
    connection: ToService, row: str, words: str
) -> None:
    with pytest.raises(SourceError, match=words):
        sent(row, *GOOD)
    assert connection.bodies == []


def test_a_service_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlumblineError, match=r"no answer .*is the service running"):
        sent(*GOOD)
