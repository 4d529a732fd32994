"""Histories written by hand: one call, one operation. Times are small integers."""

from __future__ import annotations

from typing import Any

from robustness.history import FAILED_CONDITION, NEVER, Operation


def write(client: int, start: int, end: int, value: str, version: int, **more: Any) -> Operation:
    return _made(client, "write", start, end, "ok", {"argument": value, "version": version, **more})


def lost_write(client: int, start: int, value: str, **more: Any) -> Operation:
    return _made(client, "write", start, NEVER, "unknown", {"argument": value, **more})


def refused_write(client: int, start: int, end: int, value: str, **more: Any) -> Operation:
    return _made(client, "write", start, end, "refused", {"argument": value, "code": "no_leader", **more})


def read(client: int, start: int, end: int, value: str | None, version: int | None, **more: Any) -> Operation:
    return _made(client, "read", start, end, "ok", {"value": value, "version": version, **more})


def cas(client: int, start: int, end: int, expected: int, value: str, version: int, **more: Any) -> Operation:
    return _made(client, "cas", start, end, "ok", {"expected": expected, "argument": value, "version": version, **more})


def failed_cas(client: int, start: int, end: int, expected: int, value: str, found: int | None) -> Operation:
    more = {"expected": expected, "argument": value, "version": found, "code": FAILED_CONDITION}
    return _made(client, "cas", start, end, "refused", more)


def lost_cas(client: int, start: int, expected: int, value: str) -> Operation:
    return _made(client, "cas", start, NEVER, "unknown", {"expected": expected, "argument": value})


def insert(client: int, start: int, end: int, value: str, version: int, **more: Any) -> Operation:
    return _made(client, "insert", start, end, "ok", {"argument": value, "version": version, **more})


def failed_insert(client: int, start: int, end: int, value: str, found: int, **more: Any) -> Operation:
    more = {"argument": value, "version": found, "code": FAILED_CONDITION, **more}
    return _made(client, "insert", start, end, "refused", more)


def lost_insert(client: int, start: int, value: str, **more: Any) -> Operation:
    return _made(client, "insert", start, NEVER, "unknown", {"argument": value, **more})


def _made(client: int, kind: Any, start: int, end: int, outcome: Any, more: dict[str, Any]) -> Operation:
    more.setdefault("key", "k")
    return Operation(client=client, kind=kind, invoked=start, completed=end, outcome=outcome, **more)
