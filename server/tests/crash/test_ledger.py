"""The checker must find every kind of fault, or the crash tests prove nothing."""

from __future__ import annotations

from server.tests.crash.ledger import Doubt, Ledger, State, check

_OLD, _NEW, _OTHER = {"n": 1}, {"n": 2}, {"n": 3}


def _ledger() -> Ledger:
    ledger = Ledger()
    ledger.written("a", "s1", 10, _OLD)
    ledger.written("a", "s1", 11, _NEW)
    ledger.written("b", "s1", 12, _OLD)
    ledger.written("b", "s1", 13, None)
    ledger.doubts["c"] = Doubt(_NEW, "k")
    return ledger


_GOOD = {"a": State(11, _NEW)}


def test_what_was_acknowledged_is_clean() -> None:
    assert check([_ledger()], _GOOD, 1).clean


def test_a_write_in_doubt_may_be_there_or_not() -> None:
    assert check([_ledger()], {**_GOOD, "c": State(14, _NEW)}, 2).clean


def test_a_missing_entity_is_lost() -> None:
    assert check([_ledger()], {}, 0).lost


def test_an_older_version_is_lost() -> None:
    assert check([_ledger()], {"a": State(10, _OLD)}, 1).lost


def test_other_contents_are_wrong() -> None:
    assert check([_ledger()], {"a": State(11, _OTHER)}, 1).wrong


def test_a_version_of_no_write_is_wrong() -> None:
    assert check([_ledger()], {"a": State(12, _NEW)}, 1).wrong


def test_a_deleted_entity_that_is_back_is_wrong_or_lost() -> None:
    assert not check([_ledger()], {**_GOOD, "b": State(12, _OLD)}, 2).clean


def test_half_of_a_write_in_doubt_is_wrong() -> None:
    assert check([_ledger()], {**_GOOD, "c": State(14, {})}, 2).wrong


def test_an_entity_of_nobody_is_wrong() -> None:
    assert check([_ledger()], {**_GOOD, "x": State(1, _OLD)}, 2).wrong


def test_a_count_that_is_off_is_wrong() -> None:
    assert check([_ledger()], _GOOD, 2).wrong


def test_a_version_that_does_not_rise_is_wrong() -> None:
    ledger = _ledger()
    ledger.written("d", "s1", 13, _NEW)
    assert check([ledger], {**_GOOD, "d": State(13, _NEW)}, 2).wrong
