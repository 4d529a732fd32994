"""Group 0 on several nodes without Raft: entries are applied by the leader at once and by the others a little later."""

from __future__ import annotations

import asyncio

from themis_server.clock import ManualClock
from themis_server.errors import ErrorCode, ThemisServerError
from themis_server.metadata.embedded import EmbeddedStore
from themis_server.statemachine import meta, version
from themis_server.statemachine.command import Result, encode_entry
from themis_server.storage.engine import Overlay
from themis_server.storage.memory import MemoryEngine

_LAG_S = 0.002


class Member:
    """One node's replica of group 0, and the store that stands on it."""

    def __init__(self, group: LaggingGroup) -> None:
        self.engine = MemoryEngine()
        self.machine = meta.MetadataMachine(self.engine)
        self.store = EmbeddedStore(self.engine, group.change, self.barrier, catch_up_s=group.catch_up_s)
        self._group = group

    @property
    def applied(self) -> int:
        """The index of the last entry that it has applied."""
        return self.machine.state.applied_index

    def apply(self, index: int, payload: bytes) -> list[Result]:
        """Apply one entry and let watchers know."""
        overlay = Overlay(self.engine)
        results = self.machine.apply(index, 1, payload, overlay)
        self.engine.write(overlay)
        self.store.publish(self.machine.collect_changes())
        return results

    async def barrier(self) -> None:
        """Wait until it has all that the leader had at the call."""
        self._group.check()
        wanted = len(self._group.entries)
        while self.applied < wanted:
            await asyncio.sleep(_LAG_S)

    def take_snapshot_of(self, other: Member) -> None:
        """Put the state of another replica in the place of this one's."""
        overlay = Overlay(self.engine)
        for key, _ in list(self.engine.scan(b"", b"\xff")):
            overlay.delete(key)
        for key, value in list(other.engine.scan(b"", b"\xff")):
            overlay.put(key, value)
        self.engine.write(overlay)
        self.machine = meta.MetadataMachine(self.engine)


class LaggingGroup:
    """A leader and followers; `down` while there is no leader, `held` while the followers are sent nothing."""

    def __init__(self, followers: int = 1, catch_up_s: float = 5.0) -> None:
        self.clock = ManualClock()
        self.catch_up_s = catch_up_s
        self.entries: list[bytes] = []
        self.down = False
        self.held = False
        self.leader = Member(self)
        self.followers = [Member(self) for _ in range(followers)]

    def check(self) -> None:
        """Raise no_leader while there is none."""
        if self.down:
            raise ThemisServerError(ErrorCode.NO_LEADER, "the metadata has no leader at the moment")

    async def change(self, command: bytes) -> Result:
        """Put a command through the leader, from any node."""
        await asyncio.sleep(0)
        self.check()
        payload = encode_entry(version.from_unix_ms(self.clock.unix_ms()), [command])
        self.entries.append(payload)
        (result,) = self.leader.apply(len(self.entries), payload)
        asyncio.get_running_loop().call_later(_LAG_S, self.send)
        return result

    def send(self) -> None:
        """Let the followers apply what they lack."""
        if self.held:
            return
        for follower in self.followers:
            for index in range(follower.applied, len(self.entries)):
                follower.apply(index + 1, self.entries[index])
