"""A client of a workload: it asks through a caller and writes down each operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustness.history import NEVER, Kind, Operation, Recorder, now
from robustness.workloads.callers import ALWAYS, STRONG, Caller, Condition, Freshness, Told, urn_of
from themis.placement import TokenTable

VALUE = "value"
"""The member of a document that names the write it comes from."""


class Client:
    """One client: one number in the history, one request at a time."""

    def __init__(self, number: int, caller: Caller, recorder: Recorder, table: TokenTable, collection: str) -> None:
        """Prepare a client.

        Args:
            number: Its number in the history.
            caller: How it asks.
            recorder: Where it writes operations down.
            table: Tells the shard of a key.
            collection: Where its keys are.
        """
        self.number = number
        self.caller = caller
        self._recorder = recorder
        self._table = table
        self._collection = collection
        self._written = 0

    def fresh_value(self) -> str:
        """Return a value that nobody has written yet."""
        self._written += 1
        return f"{self._collection}-{self.number}-{self._written}"

    async def read(self, key: str, freshness: Freshness = STRONG) -> tuple[Operation, Mapping[str, Any] | None]:
        """Read a key; returns what was noted, and the document."""
        begun = now()
        told = await self.caller.get(urn_of(self._collection, key), freshness)
        value = None if told.document is None else str(told.document[VALUE])
        noted = self._note(
            "read",
            key,
            begun,
            told,
            value=value,
            consistency=freshness.consistency,
            max_lag_ms=freshness.max_lag_ms,
            lag_ms=told.lag_ms,
            session=freshness.session,
        )
        return noted, told.document

    async def write(self, key: str, *, session: bool = False) -> Operation:
        """Put a fresh value."""
        return await self._put("write", key, self.fresh_value(), {}, ALWAYS, session)

    async def cas(
        self, key: str, expected: int, document: Mapping[str, Any] | None = None, value: str | None = None
    ) -> Operation:
        """Put a value, and the rest of a document, if the key has a version."""
        return await self._put(
            "cas", key, value or self.fresh_value(), document or {}, Condition(version=expected), False, expected
        )

    async def insert(self, key: str, document: Mapping[str, Any] | None = None, value: str | None = None) -> Operation:
        """Put a value if the key is absent."""
        return await self._put(
            "insert", key, value or self.fresh_value(), document or {}, Condition(absent=True), False
        )

    async def _put(
        self,
        kind: Kind,
        key: str,
        value: str,
        document: Mapping[str, Any],
        condition: Condition,
        session: bool,
        expected: int | None = None,
    ) -> Operation:
        begun = now()
        urn = urn_of(self._collection, key)
        told = await self.caller.put(urn, {VALUE: value, **document}, condition, session=session)
        return self._note(kind, key, begun, told, argument=value, expected=expected, session=session)

    def _note(self, kind: Kind, key: str, begun: int, told: Told, **more: Any) -> Operation:
        operation = Operation(
            client=self.number,
            kind=kind,
            key=key,
            invoked=begun,
            completed=NEVER if told.outcome == "unknown" else now(),
            outcome=told.outcome,
            version=told.version,
            node=told.node,
            role=told.role,
            shard=self._table.shard_for_uuid(key),
            attempts=told.attempts,
            code=told.code,
            **more,
        )
        self._recorder.add(operation)
        return operation

    async def close(self) -> None:
        """Close connections."""
        await self.caller.close()
