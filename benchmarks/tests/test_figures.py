"""A figure is held against its bar, and a ratio is taken between rounds that were neighbours."""

from __future__ import annotations

import pytest

from benchmarks.figures import Bar, Figure, Series, number, paired_ratio


def test_a_bar_that_must_be_reached_is_cleared_by_reaching_it() -> None:
    bar = Bar(0.6)

    assert bar.cleared_by(0.6)
    assert not bar.cleared_by(0.599)
    assert str(bar) == ">= 0.6"


def test_a_bar_to_stay_below_is_not_cleared_by_reaching_it() -> None:
    bar = Bar(2, at_least=False)

    assert bar.cleared_by(1.99)
    assert not bar.cleared_by(2)
    assert str(bar) == "< 2"


@pytest.mark.parametrize(
    ("value", "bar", "verdict"),
    [(0.7, Bar(0.6), "met"), (0.5, Bar(0.6), "missed"), (0.5, None, "no bar"), (None, Bar(0.6), "not measured")],
)
def test_the_verdict(value: float | None, bar: Bar | None, verdict: str) -> None:
    assert Figure("name", value, "unit", bar).verdict == verdict


def test_a_ratio_is_the_median_of_the_pairs() -> None:
    # The machine was half as fast in the last two rounds, for both; a ratio of medians would say 60 / 50.
    assert paired_ratio([60, 60, 60, 30, 30], [100, 100, 100, 50, 50]) == pytest.approx(0.6)


def test_one_disturbed_round_does_not_change_a_ratio() -> None:
    assert paired_ratio([60, 6, 60], [100, 100, 100]) == pytest.approx(0.6)


@pytest.mark.parametrize(("ours", "theirs"), [([], []), ([1.0], [1.0, 2.0]), ([1.0, 1.0], [1.0, 0.0])])
def test_what_cannot_be_paired_has_no_ratio(ours: list[float], theirs: list[float]) -> None:
    with pytest.raises(ValueError, match=r"paired|zero"):
        paired_ratio(ours, theirs)


def test_a_series_tells_its_middle_and_how_far_its_rounds_are_apart() -> None:
    series = Series("GET", "requests/s", (90, 100, 120))

    assert series.median == 100
    assert series.spread == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.5, "0.5"), (0.567, "0.57"), (2, "2"), (10, "10"), (48.44, "48.4"), (150_000, "150,000"), (100, "100")],
)
def test_numbers_are_written_with_the_digits_that_matter(value: float, text: str) -> None:
    assert number(value) == text


def test_the_spread_of_a_figure_is_that_of_what_it_was_made_of() -> None:
    rates = (Series("ours", "requests/CPU-s", (90, 100, 110)), Series("theirs", "requests/CPU-s", (80, 100, 120)))
    latency = Series("ours, p99", "ms", (1, 10, 100))

    assert Figure("name", 0.7, "ratio", series=(*rates, latency)).spread == pytest.approx(0.4)
    assert Figure("name", 56, "MiB").spread == 0
