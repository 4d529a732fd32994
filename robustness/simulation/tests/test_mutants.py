"""Every planted fault is caught, by an invariant that its paragraph names, within its seeds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from robustness.simulation.mutants.hunting import Catch, hunted
from robustness.simulation.mutants.planting import Change, Mutant, PlantingError, load, planted
from themis_server.replication.log import Log

MUTANTS = load()


@pytest.fixture(scope="module")
def catches() -> Iterator[dict[str, Future[Catch]]]:
    """Hunt all of them at once."""
    with hunted(MUTANTS) as found:
        yield found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name.replace(" ", "-"))
def test_a_planted_fault_is_caught_and_nothing_else(mutant: Mutant, catches: dict[str, Future[Catch]]) -> None:
    catch = catches[mutant.name].result()

    assert catch.outcome is not None, f"{mutant.name}: {mutant.about} Nobody noticed in {catch.seeds} seeds."
    assert catch.outcome.broken in mutant.caught_by, f"caught by something else: {catch.outcome.detail}"
    unharmed = catch.unharmed
    assert unharmed is not None
    assert not unharmed.broken, f"seed {unharmed.seed} breaks without the fault too: {unharmed.detail}"


def test_there_are_enough_of_them() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


def test_the_unharmed_code_is_back_afterwards() -> None:
    before = Log.sync.__code__

    with planted(MUTANTS[0]):
        assert Log.sync.__code__ is not before

    assert Log.sync.__code__ is before


def test_a_fault_whose_source_is_gone_is_refused() -> None:
    change = Change("themis_server.replication.log:Log.sync", "no such line", "pass")

    with pytest.raises(PlantingError, match="contains 0 times"), planted(Mutant("gone", "", (change,), ())):
        pass
