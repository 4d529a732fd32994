"""The search finds every planted violation, and agrees with a search that tries all orders."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from robustness.checkers.linearizability import check, search
from robustness.checkers.register import EMPTY, Step, plain, prepare, step
from robustness.history import Operation
from robustness.tests.histories import failed_cas, lost_write, read, write
from robustness.tests.registers import CLEAN, VIOLATIONS, disturbed, simulated


@pytest.mark.parametrize("name", CLEAN)
def test_a_history_that_can_be_explained_passes(name: str) -> None:
    found = check(CLEAN[name])
    assert found.passed, found


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_is_found(name: str) -> None:
    found = check(VIOLATIONS[name])
    assert found.result == "fail"
    assert "k" in found.problems[0]


def test_keys_are_judged_apart() -> None:
    history = [write(0, 0, 1, "a", 1, key="x"), read(0, 2, 3, None, None, key="y")]
    assert check(history).passed


def test_nothing_is_void() -> None:
    assert check([]).result == "void"


def test_giving_up_is_not_passing() -> None:
    # Twelve open writes, and a failed condition that met one of them: nothing can be left out, all orders count.
    history = [lost_write(client, client, f"v{client}") for client in range(12)]
    history += [failed_cas(20, 100, 101, 1, "w", 77), read(20, 200, 201, "none of them", 99)]
    assert check(history, configurations_max=500).result == "unknown"


def test_a_long_history_of_five_clients_is_decided_quickly() -> None:
    history = [each for seed in range(4) for each in simulated(random.Random(seed), 5, 300, f"key-{seed}")]
    found = check(history, configurations_max=50_000)
    assert found.passed, found
    assert found.checked > 800


def test_a_long_history_with_one_stale_read_is_condemned() -> None:
    history = simulated(random.Random(7), 5, 300, "k")
    reads = [number for number, each in enumerate(history) if each.kind == "read" and each.version]
    late, early = history[reads[-1]], history[reads[5]]
    assert late.version != early.version
    changed = {"value": early.value, "version": early.version}
    history[reads[-1]] = Operation(**{**{name: getattr(late, name) for name in late.__struct_fields__}, **changed})
    assert check(history, configurations_max=500_000).result == "fail"


# Against a search that tries every order of every choice of open operations


def _brute_force(steps: list[Step]) -> bool:
    must = [each for each in steps if each.must]
    may = [each for each in steps if not each.must]
    for size in range(len(may) + 1):
        for chosen in itertools.combinations(may, size):
            for order in itertools.permutations([*must, *chosen]):
                if _respects_time(order) and _possible(order):
                    return True
    return False


def _respects_time(order: tuple[Step, ...]) -> bool:
    return all(
        later.completed >= earlier.invoked for place, earlier in enumerate(order) for later in order[place + 1 :]
    )


def _possible(order: tuple[Step, ...]) -> bool:
    state = EMPTY
    for each in order:
        after = step(state, each)
        if after is None:
            return False
        state = after
    return True


@settings(max_examples=400, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(2, 6), disturb=st.booleans())
def test_the_search_agrees_with_brute_force(seed: int, count: int, disturb: bool) -> None:
    chance = random.Random(seed)
    history = simulated(chance, clients=min(3, count), count=count, key="k")
    if disturb:
        history = disturbed(chance, history)
    steps = plain(history)
    expected = _brute_force(steps)
    assert expected or disturb, "what a right register did can be explained"
    assert (search(steps).result == "pass") is expected
    prepared = prepare(history)
    simplified = not prepared.problems and search(prepared.steps).result == "pass"
    assert simplified is expected
