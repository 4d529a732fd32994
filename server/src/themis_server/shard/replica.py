"""One replica of a shard on this node: proposals go to its Raft group, reads come from its committed state."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from themis_server.clock import Clock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.shard.pending import Pending
from themis_server.shard.proof import Proofs, settled
from themis_server.shard.reading import Before, Level, Need, Serve, Verdict, View, judge, lag_between, role_of
from themis_server.shard.refusal import Reason, Refused
from themis_server.shard.wire import PLACE_BYTES
from themis_server.statemachine.command import (
    DropCollection,
    KeyReused,
    Mutate,
    Mutated,
    Result,
    Transacted,
    encode_command,
)
from themis_server.storage import keys
from themis_server.storage.engine import BatchReader

T = TypeVar("T")

_COLLECTION_BYTES: Final = 4

PROOF_WAIT_S: Final = 0.25
"""How long a read that another replica may serve as well waits for a proof here."""


def wait_for_proof_s(level: Level, timeout_s: float | None) -> float | None:
    """Return how long a read waits for its proof, seconds; None leaves it to the node's time limit."""
    return timeout_s if level == Level.STRONG else min(timeout_s or PROOF_WAIT_S, PROOF_WAIT_S)


class Replica:
    """The local replica of one shard (or of the metadata). Belongs to the event loop.

    A replica that is its group's only voter, or holds a lease, answers strong reads at once: what it has applied is all
    that was ever acknowledged.
    """

    def __init__(
        self,
        shard_id: str,
        group: int,
        engine: BatchReader,
        pending: Pending,
        view: View,
        clock: Clock,
        raft_id: int,
    ) -> None:
        self.shard_id = shard_id
        self.group = group
        self.engine = engine
        self.view = view
        self._pending = pending
        self._now_s = clock.monotonic_s
        self._raft_id = raft_id
        self._proofs = Proofs(group, pending, clock)
        self._prefixes: dict[int, bytes] = {}
        self._before_collection = keys.entity_prefix(group, 0)[:-_COLLECTION_BYTES]

    # Writing

    async def mutate(self, command: Mutate) -> Mutated | KeyReused:
        """Propose writes and return their outcomes, in order."""
        result = await self._pending.propose(self.group, encode_command(command))
        assert isinstance(result, Mutated | KeyReused)
        return result

    async def drop_collection(self, collection: int) -> None:
        """Remove a collection's entities from this shard, for good."""
        await self._pending.propose(self.group, encode_command(DropCollection(collection)))

    async def propose(self, command: bytes) -> Result:
        """Propose an encoded command, which must be one for a group of this kind; return its result."""
        result = await self._pending.propose(self.group, command)
        assert result is not None
        return result

    async def change(self, command: bytes) -> Transacted:
        """Propose an encoded command of the metadata."""
        result = await self._pending.propose(self.group, command)
        assert isinstance(result, Transacted)
        return result

    # Reading under a promise

    async def read(self, take: Callable[[], T], need: Need, timeout_s: float | None = None) -> tuple[T, Serve]:
        """Read storage by `take`, so that what it returns is as fresh as `need` says.

        Args:
            take: reads storage; called again after a proof, and what it returned before is forgotten.
            need: what the read needs.
            timeout_s: how long a strong read may wait for its proof; None leaves it to the node's time limit.

        Raises:
            ThemisServerError: `Refused` where another replica, or this one later, may serve the read.
        """
        done = self.read_now(take, need)
        return done if done is not None else await self._read_proven(take, need, timeout_s)

    def read_now(self, take: Callable[[], T], need: Need) -> tuple[T, Serve] | None:
        """Read as `read` does if that needs no proof; None if it does."""
        if need.level == Level.STRONG and not self.view.lease_until_s:
            return None  # it never had a lease in this term, so it needs a proof, and may as well read only after it
        before = self.before()
        value = take()
        verdict = self.judge(need, before)
        if need.level != Level.STRONG and self.view.lease_until_s <= self._now_s():
            self._pending.keeper.was_read()
        if isinstance(verdict, Serve):
            return value, verdict
        if verdict is Verdict.PROVE:
            return None
        raise self._refusal(verdict, need, before)

    async def _read_proven(self, take: Callable[[], T], need: Need, timeout_s: float | None) -> tuple[T, Serve]:
        proof = self.begin_proof(need)
        if need.level == Level.STRONG and timeout_s is None:
            await proof
        else:
            await settled([proof], wait_for_proof_s(need.level, timeout_s))
        return self.read_after(proof, take, need)

    def begin_proof(self, need: Need) -> asyncio.Future[float]:
        """Begin what a read needs for which `read_now` has returned None; `read_after` goes on when it has ended.

        Raises:
            Refused: another replica leads, and the read is a strong one.
        """
        if need.level == Level.STRONG and not self.view.is_leader:
            raise Refused(
                Reason.NOT_LEADER, f"this replica of {self.shard_id} does not lead", self.view.leader, retry_after_s=1
            )
        return self._proofs.join()

    def read_after(self, proof: asyncio.Future[float], take: Callable[[], T], need: Need) -> tuple[T, Serve]:
        """Read after a proof has ended or was cancelled because it took too long; raises as `read` does."""
        if proof.cancelled():
            raise self._unproven(need)
        error = proof.exception()
        if error is not None:
            raise self._unproven(need) if isinstance(error, Refused) and need.level != Level.STRONG else error
        before = self.before(proven=True)
        value = take()
        verdict = self.judge(need, before)
        if isinstance(verdict, Serve):
            return value, verdict
        raise self._refusal(verdict, need, before)

    async def prove(self, timeout_s: float | None = None) -> None:
        """Wait until the state includes everything that was acknowledged before this call.

        Raises:
            ThemisServerError: the replica cannot prove it.
            TimeoutError: not within `timeout_s`.
        """
        if self.view.lease_until_s <= self._now_s():
            await self._proofs.prove(timeout_s)

    def before(self, *, proven: bool = False) -> Before:
        """Return what is known now, before storage is read."""
        view = self.view
        return Before(view.version, max(view.fresh_at_s, self._proofs.proven_s), view.installs, proven)

    def judge(self, need: Need, before: Before) -> Serve | Verdict:
        """Say, after storage was read, whether that may be answered."""
        return judge(self._raft_id, self.view, need, before, self._now_s())

    def _unproven(self, need: Need) -> ThemisServerError:
        before = self.before()
        return self._refusal(Verdict.UNSEEN if before.version < need.version else Verdict.TOO_OLD, need, before)

    def _refusal(self, verdict: Verdict, need: Need, before: Before) -> ThemisServerError:
        leader = self.view.leader
        if verdict is Verdict.UNSEEN and self.view.is_leader and before.proven:
            # Whatever anybody has seen was committed, and the leader has just proven that it has all of that.
            return ThemisServerError(
                ErrorCode.SESSION_NOT_REACHED,
                f"{self.shard_id} has never had version {need.version}, which the session says was seen; begin anew",
            )
        if verdict is Verdict.UNSEEN:
            return Refused(
                Reason.UNSEEN,
                f"no replica of {self.shard_id} that could be asked has reached version {need.version} of the session",
                leader,
                retry_after_s=1,
            )
        if verdict is Verdict.TOO_OLD:
            lag_ms = lag_between(before.fresh_at_s, self._now_s())
            known: dict[str, object] = {} if lag_ms is None else {"lag_ms": lag_ms}
            return Refused(
                Reason.TOO_OLD,
                f"no replica of {self.shard_id} that could be asked can prove a lag of at most {need.max_lag_ms} ms",
                leader,
                retry_after_s=1,
                **known,
            )
        return Refused(Reason.NOT_HOSTED, f"this replica of {self.shard_id} has no state at the moment", leader)

    @property
    def role(self) -> str:
        """The role of the replica: leader, follower or learner."""
        return role_of(self._raft_id, self.view)

    # Reading what is there, without a promise

    def get(self, collection: int, uuid: bytes) -> bytes | None:
        """Return the stored form of an entity (see storage.values), or None."""
        return self.engine.get(self.key_prefix(collection) + uuid)

    def multi_get(self, places: bytes) -> list[bytes | None]:
        """Return the stored forms of many entities, each given by 4 bytes of collection and 16 of uuid."""
        before = self._before_collection
        return self.engine.multi_get(
            [before + places[at : at + PLACE_BYTES] for at in range(0, len(places), PLACE_BYTES)]
        )

    def key_prefix(self, collection: int) -> bytes:
        """Return what the keys of a collection's entities begin with here.

        Ids are never used twice, so it never changes.
        """
        prefix = self._prefixes.get(collection)
        if prefix is None:
            prefix = self._prefixes[collection] = keys.entity_prefix(self.group, collection)
        return prefix

    def is_dropped(self, collection: int) -> bool:
        """Whether the collection was dropped from this shard."""
        return self.engine.get(keys.dropped(self.group, collection)) is not None

    def count(self, collection: int) -> int:
        """Return how many entities a collection has in this shard."""
        return int.from_bytes(self.engine.get(keys.count(self.group, collection)) or b"")

    def page(
        self, collection: int, after: bytes | None, limit: int, bytes_max: int
    ) -> tuple[list[tuple[bytes, bytes]], bool]:
        """Return pairs of (uuid, stored form) in uuid order, beginning after `after`, and whether there may be more.

        At most `limit` pairs, and no further one once they have `bytes_max` bytes.
        """
        start, end = keys.entity_range(self.group, collection)
        prefix = len(start)
        if after is not None:
            start = start + after + b"\x00"
        pairs = []
        size = 0
        for key, stored in self.engine.scan(start, end, limit):
            pairs.append((key[prefix:], stored))
            size += len(stored)
            if size >= bytes_max:
                return pairs, True
        return pairs, len(pairs) == limit
