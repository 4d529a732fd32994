"""What a process answers its clients: writes go to its replicas, reads come from them under the promise asked for.

The rules are those of `themis_server.shard`; here is only what the checks must know beside the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from robustness.simulation.plan import MAX_LAG_MS
from themis_server.errors import ThemisServerError
from themis_server.shard.reading import Level, Need, Serve
from themis_server.shard.replica import Replica
from themis_server.statemachine.machine import load_state
from themis_server.statemachine.meta import GROUP as METADATA_GROUP
from themis_server.storage import keys, values

if TYPE_CHECKING:
    from robustness.simulation.clients import Attempt, Operation
    from robustness.simulation.process import Process

COLLECTION: Final = 1
"""The collection that all entities are in."""
_READ_TIMEOUT_S = 2.0
_LEVELS = {"strong": Level.STRONG, "bounded": Level.BOUNDED, "eventual": Level.EVENTUAL}


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """The answer to a read."""

    index: int
    """The entry up to which the state was applied that answered."""
    session: int
    """The version that the answer says the reader has seen."""
    version: int
    document: Any
    fresh_us: float | None
    """It claims to include everything that was acknowledged before this time; None: it claims nothing."""
    removed: bool
    """The replica knew that it is no member of its group any more."""
    torn: bool
    """A snapshot was taking the place of the replica's state."""

    def __str__(self) -> str:
        return f"entry {self.index}: {self.version} {self.document}"


class Serving:
    """The requests of one process. Belongs to its main loop."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._open: dict[Attempt, None] = {}

    def end(self) -> None:
        """Die with the process: who waits for an answer sees the connection break."""
        world = self._process.world
        for attempt in self._open:
            world.after(world.network.latency_us(), attempt.client.lost, attempt)
        self._open.clear()

    def request(self, attempt: Attempt) -> None:
        """A client's request arrives."""
        self._open[attempt] = None
        self._process.loop.call_soon(lambda: self._process.loop.create_task(self._serve(attempt)))

    async def _serve(self, attempt: Attempt) -> None:
        operation = attempt.operation
        try:
            answer = await self._carry_out(operation)
        except (ThemisServerError, TimeoutError, LookupError) as error:
            answer = error
        if attempt in self._open:
            del self._open[attempt]
            self._process.world.after(
                self._process.world.network.latency_us(), attempt.client.answered, attempt, answer
            )

    async def _carry_out(self, operation: Operation) -> object:
        replica = self._process.replicas.get(operation.group)
        if replica is None:
            raise LookupError("no replica here")
        if operation.command:
            return await replica.propose(operation.command)
        need = Need(_LEVELS[operation.kind], operation.max_lag_ms, operation.session_version)
        (index, stored), serve = await replica.read(
            lambda: self._take(operation.group, operation.key), need, _READ_TIMEOUT_S
        )
        return self._read_answer(index, stored, serve, replica)

    def _take(self, group: int, key: bytes) -> tuple[int, bytes | None]:
        """Read storage: which entry its state is of, and what it has under a key."""
        state = self._process.node.state
        return load_state(state, group).applied_index, state.get(keys.entity_prefix(group, COLLECTION) + key)

    def _read_answer(self, index: int, stored: bytes | None, serve: Serve, replica: Replica) -> ReadAnswer:
        clock = self._process.node.clock
        fresh_us = None
        if serve.lag_ms is not None:
            fresh_us = clock.true_us(clock.monotonic_s() - serve.lag_ms / 1000)
        version, document = unpacked(stored)
        return ReadAnswer(
            index, serve.version, version, document, fresh_us, replica.view.removed, bool(replica.view.installs & 1)
        )

    def probe(self) -> None:
        """Read in the middle of a sync of the Raft thread, as the main loop may, whatever needs no proof."""
        for group, replica in self._process.replicas.items():
            if group == METADATA_GROUP or (not replica.view.is_leader and self._process.node.random.random() < 0.5):
                continue
            key = self._process.node.random.randrange(self._process.world.plan.keys).to_bytes(16)
            kind = "strong" if replica.view.is_leader else self._process.node.random.choice(("bounded", "eventual"))
            need = Need(_LEVELS[kind], self._process.node.random.choice(MAX_LAG_MS))
            try:
                done = self._process.loop.inside(lambda: replica.read_now(lambda: self._take(group, key), need))  # noqa: B023
            except ThemisServerError:
                continue
            if done is not None:
                (index, stored), serve = done
                read = self._read_answer(index, stored, serve, replica)
                at_us = self._process.world.now_us + self._process.node.clock.inside_us
                self._process.world.at(at_us, self._probed, group, key, kind, read)

    def _probed(self, group: int, key: bytes, kind: str, read: ReadAnswer) -> None:
        if not self._process.dead:  # who was killed in the middle of the sync has answered only what came before
            self._process.world.checks.probed(self._process.id, group, key, kind, read)


def unpacked(stored: bytes | None) -> tuple[int, Any]:
    """Return version and document of a stored entity; (0, None) for none."""
    return (0, None) if stored is None else (values.version_of(stored), orjson.loads(values.document_of(stored)))
