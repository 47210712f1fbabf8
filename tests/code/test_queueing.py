"""The model of serving processes over one server of state: limits that are known, and the simulation beside them."""

from __future__ import annotations

import pytest

from bench.queueing import Request, needed, on_cores, simulated, throughput

ONE = Request(own=0.0004, shared=0.0001, network=0.0001)


def test_one_process_waits_for_nobody() -> None:
    assert throughput(ONE, 1) == pytest.approx(1 / ONE.alone)


def test_many_processes_are_limited_by_the_state() -> None:
    rates = [throughput(ONE, n) for n in (1, 2, 4, 8, 64)]
    assert rates == sorted(rates)
    assert rates[1] < 2 * rates[0], "two of them wait for each other now and then"
    assert rates[-1] == pytest.approx(1 / ONE.shared)


@pytest.mark.parametrize("processes", [2, 5])
def test_it_is_the_machine_repair_model(processes: int) -> None:
    """The closed form of M/M/1//N: the state is idle with probability 1 / sum of N! / (N-k)! (S/Z)^k."""
    think = ONE.own + ONE.network
    terms, term = [1.0], 1.0
    for k in range(1, processes + 1):
        term *= (processes - k + 1) * ONE.shared / think
        terms.append(term)
    busy = 1 - 1 / sum(terms)
    assert throughput(ONE, processes) == pytest.approx(busy / ONE.shared)


def test_cores_are_shared_with_whoever_runs_there() -> None:
    assert on_cores(ONE, 8, cores=2, beside=0.0005) == pytest.approx(2 / 0.001)
    assert on_cores(ONE, 1, cores=64) == throughput(ONE, 1)


def test_processes_for_a_rate() -> None:
    assert needed(ONE, 100) == 1
    count = needed(ONE, 5_000)
    assert count is not None
    assert 0.7 * throughput(ONE, count) >= 5_000
    assert 0.7 * throughput(ONE, count - 1) < 5_000
    assert needed(ONE, 20_000) is None, "more than one server of state can do"


def test_the_simulation_is_the_known_queue_where_there_is_one() -> None:
    """One process and a state that takes no time: M/M/1, whose mean is S / (1 - load)."""
    latencies = simulated(Request(0.001, 0.0), 1, 500, 40_000)
    assert sum(latencies) / len(latencies) == pytest.approx(0.002, rel=0.1)


def test_the_simulation_keeps_up_until_the_limit_and_not_beyond() -> None:
    limit = throughput(ONE, 3)
    below = simulated(ONE, 3, 0.5 * limit, 10_000)
    above = simulated(ONE, 3, 1.3 * limit, 10_000)
    assert below[len(below) // 2] < 3 * ONE.alone
    assert above[len(above) // 2] > 50 * ONE.alone
    constant = simulated(ONE, 3, 0.5 * limit, 10_000, "constant")
    assert constant[0] == pytest.approx(ONE.alone)
