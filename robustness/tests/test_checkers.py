"""Every rule of every other checker, broken once; and a history that breaks none."""

from __future__ import annotations

from robustness.checkers import Verdict, bank, load, logs, replicas, sessions, sets, staleness, versions, worst
from robustness.checkers.bank import Bank, Transfer
from robustness.checkers.load import Minimum, longest_gaps
from robustness.checkers.replicas import Copy
from robustness.checkers.sets import Listed
from robustness.history import Operation
from robustness.tests.histories import (
    cas,
    failed_insert,
    insert,
    lost_cas,
    lost_insert,
    lost_write,
    read,
    refused_write,
    write,
)

MS = 1_000_000


def condemned(found: Verdict, words: str) -> bool:
    return found.result == "fail" and any(words in problem for problem in found.problems)


# versions


def test_rising_versions_pass() -> None:
    history = [
        write(0, 0, 1, "a", 1),
        write(1, 2, 9, "b", 3),
        write(2, 2, 9, "c", 2),
        read(0, 10, 11, "b", 3),
        read(0, 12, 13, "a", 1, consistency="eventual"),
        lost_write(1, 14, "d"),
        read(0, 20, 21, "d", 4),
    ]
    assert versions.check(history).passed


def test_no_answers_are_void() -> None:
    assert versions.check([refused_write(0, 0, 1, "a")]).result == "void"


def test_a_write_below_a_version_that_was_told() -> None:
    assert condemned(versions.check([write(0, 0, 1, "a", 5), write(1, 2, 3, "b", 5 - 1)]), "wrote version 4 after 5")


def test_a_write_at_a_version_that_was_told() -> None:
    assert condemned(versions.check([write(0, 0, 1, "a", 5), write(1, 2, 3, "a", 5)]), "wrote version 5 after 5")


def test_a_strong_read_below_a_version_that_a_replica_told() -> None:
    history = [
        write(0, 0, 1, "a", 1),
        write(0, 2, 30, "b", 2),
        read(1, 4, 5, "b", 2, consistency="eventual"),
        read(2, 6, 7, "a", 1),
    ]
    assert condemned(versions.check(history), "read version 1 after 2")


def test_one_version_with_two_values() -> None:
    history = [write(0, 0, 9, "a", 1), write(1, 0, 9, "b", 1)]
    assert condemned(versions.check(history), "version 1 is a and b")


def test_an_acknowledged_write_read_at_another_version() -> None:
    history = [write(0, 0, 1, "a", 1), read(1, 2, 3, "a", 2, consistency="eventual")]
    assert condemned(versions.check(history), "it happened twice")


def test_a_value_of_nobody() -> None:
    history = [refused_write(0, 0, 1, "a"), read(1, 2, 3, "a", 1, consistency="eventual")]
    assert condemned(versions.check(history), "nobody wrote it, or it was refused")


# sessions


def test_a_session_that_goes_forward_passes() -> None:
    history = [
        write(0, 0, 1, "a", 1, session=True),
        read(0, 2, 3, "a", 1, session=True),
        write(1, 4, 5, "b", 2, session=True),
        read(0, 6, 7, "a", 1, session=True),
        read(0, 8, 9, "b", 2, session=True),
    ]
    assert sessions.check(history).passed


def test_reads_outside_a_session_are_not_judged() -> None:
    assert sessions.check([write(0, 0, 1, "a", 1, session=True), read(0, 2, 3, None, None)]).result == "void"


def test_a_write_that_its_own_client_does_not_read() -> None:
    history = [write(0, 0, 1, "a", 1, session=True), read(0, 2, 3, None, None, session=True)]
    assert condemned(sessions.check(history), "does not read its own write")


def test_reads_that_go_back() -> None:
    history = [read(0, 0, 1, "b", 2, session=True), read(0, 2, 3, "a", 1, session=True)]
    assert condemned(sessions.check(history), "not monotonic")


# staleness


def _bounded(start_ms: int, value: str, version: int, lag_ms: float | None, max_lag_ms: int = 100) -> Operation:
    start, end = start_ms * MS, (start_ms + 1) * MS
    return read(1, start, end, value, version, consistency="bounded", lag_ms=lag_ms, max_lag_ms=max_lag_ms)


_WRITES = [write(0, 0, 1 * MS, "a", 1), write(0, 2 * MS, 3 * MS, "b", 2)]


def test_reads_within_their_bound_pass() -> None:
    history = [*_WRITES, _bounded(50, "a", 1, 80), _bounded(50, "b", 2, 0), _bounded(200, "b", 2, 100)]
    assert staleness.check(history).passed


def test_a_read_older_than_it_claims() -> None:
    assert condemned(staleness.check([*_WRITES, _bounded(50, "a", 1, 10)]), "had been acknowledged 47.0 ms before")


def test_a_read_that_misses_everything() -> None:
    history = [*_WRITES, read(1, 500 * MS, 501 * MS, None, None, consistency="bounded", lag_ms=5, max_lag_ms=9)]
    assert condemned(staleness.check(history), "found version None")


def test_a_lag_above_the_bound() -> None:
    assert condemned(staleness.check([*_WRITES, _bounded(50, "b", 2, 101)]), "100 were allowed")


def test_a_bounded_read_that_claims_nothing() -> None:
    assert condemned(staleness.check([*_WRITES, _bounded(50, "b", 2, None)]), "does not say how far")


def test_an_absence_without_a_claim_is_held_to_the_bound() -> None:
    nothing = read(1, 500 * MS, 501 * MS, None, None, consistency="bounded", max_lag_ms=600)
    assert staleness.check([*_WRITES, nothing]).passed
    nothing = read(1, 500 * MS, 501 * MS, None, None, consistency="bounded", max_lag_ms=100)
    assert condemned(staleness.check([*_WRITES, nothing]), "claims 100 ms and found version None")


def test_an_eventual_read_that_lies_about_its_lag() -> None:
    history = [*_WRITES, read(1, 500 * MS, 501 * MS, "a", 1, consistency="eventual", lag_ms=5)]
    assert condemned(staleness.check(history), "claims 5 ms")


# inserts


def test_inserts_that_are_all_there_pass() -> None:
    history = [
        insert(0, 0, 1, "a", 1, key="x"),
        failed_insert(1, 0, 1, "b", 1, key="x"),
        lost_insert(2, 0, "c", key="y"),
        lost_insert(2, 0, "d", key="z"),
    ]
    assert sets.check(history, [Listed("x", 1, "a"), Listed("y", 2, "c")]).passed


def test_a_lost_insert() -> None:
    assert condemned(sets.check([insert(0, 0, 1, "a", 1)], []), "is lost")


def test_an_insert_listed_twice() -> None:
    assert condemned(sets.check([insert(0, 0, 1, "a", 1)], [Listed("k", 1, "a")] * 2), "listed 2 times")


def test_an_insert_carried_out_again() -> None:
    assert condemned(sets.check([insert(0, 0, 1, "a", 1)], [Listed("k", 2, "a")]), "inserted again")


def test_two_winners_of_one_key() -> None:
    history = [insert(0, 0, 1, "a", 1), insert(1, 0, 1, "b", 2)]
    assert condemned(sets.check(history, [Listed("k", 2, "b")]), "more than one was told so")


def test_a_refused_insert_that_is_there() -> None:
    assert condemned(sets.check([failed_insert(0, 0, 1, "a", 7)], [Listed("k", 1, "a")]), "was refused")


def test_an_insert_of_nobody() -> None:
    assert condemned(sets.check([], [Listed("k", 1, "a")]), "nobody inserted it")


# bank

_T1, _T2, _T3 = Transfer("t1", 0, 1, 5), Transfer("t2", 1, 0, 2), Transfer("t3", 0, 1, 1)
_OPENING = Bank((10, 10), (10, 10))
_BANKS = {1: _OPENING, 2: _OPENING.after(_T1), 3: _OPENING.after(_T1).after(_T2)}
_TRANSFERS = [cas(0, 0, 1, 1, "t1", 2), cas(0, 2, 3, 2, "t2", 3), lost_cas(1, 4, 3, "t3")]


def test_a_bank_that_adds_up_passes() -> None:
    assert bank.check(_TRANSFERS, {"k": _BANKS}, {"k": _BANKS[3]}).passed
    assert bank.check(_TRANSFERS, {"k": _BANKS}, {"k": _BANKS[3].after(_T3)}).passed


def test_money_from_nothing() -> None:
    forged = Bank((10, 10), (10, 11))
    assert condemned(bank.check(_TRANSFERS, {"k": {1: forged}}, {}), "sum up to 21")


def test_balances_that_are_not_of_the_transfers() -> None:
    forged = Bank((10, 10), (9, 11))
    assert condemned(bank.check(_TRANSFERS, {"k": {1: forged}}, {}), "its transfers make")


def test_a_lost_transfer() -> None:
    found = bank.check(_TRANSFERS, {"k": {1: _OPENING}}, {"k": _OPENING.after(_T2)})
    assert condemned(found, "transfer t1 was acknowledged at version 2, and is lost")


def test_a_transfer_made_twice() -> None:
    assert condemned(bank.check(_TRANSFERS, {}, {"k": _BANKS[3].after(_T1)}), "t1 was made more than once")


def test_a_refused_transfer_that_was_made() -> None:
    found = bank.check(_TRANSFERS, {}, {"k": _BANKS[3].after(Transfer("t9", 0, 1, 1))})
    assert condemned(found, "t9 was refused, and was made")


def test_a_state_that_was_taken_back() -> None:
    taken_back = {**_BANKS, 4: _OPENING.after(_T1).after(_T3)}
    assert condemned(bank.check(_TRANSFERS, {"k": taken_back}, {"k": taken_back[4]}), "an older version had")


def test_a_bank_that_is_gone() -> None:
    assert condemned(bank.check(_TRANSFERS, {}, {}), "not there at the end")


# replicas

_COPIES = [Copy("u1", 1, b"{}"), Copy("u2", 2, b"{}")]


def test_equal_replicas_pass_in_any_order() -> None:
    assert replicas.check({"n1": _COPIES, "n2": _COPIES[::-1]}).passed


def test_one_replica_is_void() -> None:
    assert replicas.check({"n1": _COPIES}).result == "void"


def test_a_replica_that_lacks_one() -> None:
    assert condemned(replicas.check({"n1": _COPIES, "n2": _COPIES[:1]}), "u2 is at n1: 2, n2: none")


def test_a_replica_at_another_version() -> None:
    other = [_COPIES[0], Copy("u2", 3, b"{}")]
    assert condemned(replicas.check({"n1": _COPIES, "n2": other}), "u2 is at n1: 2, n2: 3")


def test_a_replica_with_another_document() -> None:
    other = [_COPIES[0], Copy("u2", 2, b"[]")]
    assert condemned(replicas.check({"n1": _COPIES, "n2": other}), "2 different documents at version 2")


# load


def _load(count: int, clients: int = 2) -> list[Operation]:
    history = []
    for number in range(count):
        start = number * MS
        history.append(write(number % clients, start, start + 1, f"v{number}", number + 1, shard="s1"))
        history.append(read(number % clients, start, start + 1, f"v{number}", number + 1, shard="s1"))
    return history


def test_enough_load_passes() -> None:
    assert load.check(_load(50), 1.0).passed


def test_too_few_writes_are_void() -> None:
    found = load.check([each for each in _load(50) if each.kind == "read"], 1.0)
    assert found.result == "void"
    assert "0 writes" in found.problems[0]


def test_too_few_reads_are_void() -> None:
    assert load.check([each for each in _load(50) if each.kind == "write"], 1.0).result == "void"


def test_a_lone_client_is_void() -> None:
    assert load.check(_load(50, clients=1), 1.0, Minimum(clients=2)).result == "void"


def test_the_longest_gap_counts_both_ends() -> None:
    history = [write(0, 0, 2 * MS, "a", 1, shard="s1"), write(0, 2 * MS, 9 * MS, "b", 2, shard="s1")]
    history += [write(1, 0, 30 * MS, "c", 1, shard="s2"), lost_write(1, 0, "d", shard="s1")]
    assert longest_gaps(history, 0, 40 * MS) == {"s1": 0.031, "s2": 0.03}


# logs

_INFO = '{"level": "info", "event": "node.ready"}'
_FATAL = '{"level": "error", "event": "node.fatal"}'


def test_quiet_logs_pass() -> None:
    assert logs.check({"n1": f"{_INFO}\nthemis-server: stopped", "n2": ""}, ()).passed


def test_an_error_that_the_fault_explains_passes() -> None:
    assert logs.check({"n1": _FATAL}, ("node.fatal",)).passed


def test_an_error_that_nothing_explains() -> None:
    assert condemned(logs.check({"n1": f"{_INFO}\n{_FATAL}"}, ()), "n1: ")


def test_a_traceback_past_the_logger() -> None:
    assert condemned(logs.check({"n1": "Traceback (most recent call last):\n  boom"}, ()), "past its logger")


# all


def test_the_worst_verdict_wins() -> None:
    results = {name: Verdict("c", name) for name in ("pass", "void", "unknown", "fail")}
    assert worst(results.values()) == "fail"
    assert worst([results["pass"], results["void"]]) == "void"
    assert worst([results["void"], results["unknown"]]) == "unknown"
    assert worst([]) == "void"
