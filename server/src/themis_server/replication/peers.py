"""The other nodes as this one hears them: who is silent, who leads what, and the beat by which they hear this one.

Time is counted in ticks of the driver. A process that was stopped for a while counts nothing meanwhile, so it takes
nobody for dead on its return.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from themis_server.peer.hello import VERSION_MIN
from themis_server.replication.envelope import BEAT, Mail
from themis_server.replication.ports import Transport

_REPEAT_LED_TICKS: Final = 100
"""What was said once may be lost; a list that is said again now and then puts that right."""


class Peers:
    """Belongs to the driver."""

    def __init__(self, transport: Transport | None, heartbeat_ticks: int) -> None:
        self.mail = Mail()
        self.ticks = 0
        self.sent = 0
        """Envelopes sent."""
        self.led_moved = 0
        """How often other nodes have said something new of what they lead."""
        self._transport = transport
        self._heartbeat_ticks = heartbeat_ticks
        self._known: frozenset[int] = frozenset()
        self._neighbours: frozenset[int] = frozenset()
        self._heard: dict[int, int] = {}
        self._versions: dict[int, int] = {}
        self._sent_tick: dict[int, int] = {}
        self._led: dict[int, dict[int, int]] = {}
        self._own_led: list[tuple[int, int]] = []

    # Who there is

    def set_known(self, peers: Iterable[int]) -> None:
        """Name the nodes of the cluster, which are told what this one leads."""
        self._known = frozenset(peers)
        for gone in self._led.keys() - self._known - self._neighbours:
            del self._led[gone]
        self.announce()

    def set_neighbours(self, peers: Iterable[int]) -> None:
        """Name the nodes that share a group with this one: they hear its beat, and it listens to theirs."""
        self._neighbours = frozenset(peers)
        self._heard = {peer: self._heard.get(peer, self.ticks) for peer in self._neighbours}
        self._sent_tick = {peer: self._sent_tick.get(peer, -1) for peer in self._neighbours}

    # What may be said

    def met(self, peer: int, version: int) -> None:
        """Take note of the version of the protocol that is spoken with `peer` from now on.

        It stays when the stream breaks, since nothing arrives then, and the next one begins with this.
        """
        self._versions[peer] = version

    def version(self, peer: int) -> int:
        """Return the highest version of the protocol that this node and `peer` both speak.

        It holds for the whole turn. The lowest is assumed of who was not met yet.
        """
        return self._versions.get(peer, VERSION_MIN)

    # Who is heard

    def hear(self, peer: int) -> None:
        """Note that something came from `peer`."""
        if peer in self._heard:
            self._heard[peer] = self.ticks

    def silence(self, peer: int) -> int:
        """Return for how many ticks nothing came from `peer`; 0 for one that nobody listens to."""
        return self.ticks - self._heard.get(peer, self.ticks)

    def all_heard(self, peers: Iterable[int], within_ticks: int) -> bool:
        """Whether something came from each of `peers` within so many ticks."""
        return all(self.silence(peer) <= within_ticks for peer in peers)

    def silent_for(self, ticks: int) -> Iterator[int]:
        """Yield the neighbours of which nothing was heard for exactly so many ticks."""
        due = self.ticks - ticks
        return (peer for peer, heard in self._heard.items() if heard == due)

    # What is said

    def flush(self) -> None:
        """Send each peer what is to be said to it, in one envelope."""
        if not self.mail:
            return
        for peer, envelope in self.mail.take():
            self._send(peer, envelope)

    def _send(self, peer: int, envelope: bytes) -> None:
        if peer in self._sent_tick:
            self._sent_tick[peer] = self.ticks
        if self._transport is not None:
            self.sent += 1
            self._transport.send(peer, envelope)

    def tick(self) -> None:
        """Let a tick pass; speak to those who would else not hear of this node for a heartbeat interval."""
        self.ticks += 1
        due = self.ticks - self._heartbeat_ticks
        for peer, sent in self._sent_tick.items():
            if sent <= due:
                self._send(peer, BEAT)
        if self.ticks % _REPEAT_LED_TICKS == 0:
            self.announce()

    # Who leads

    def lead(self, led: list[tuple[int, int]]) -> None:
        """Take note of the groups that this node leads, as (group, term), and say so to everybody."""
        if led != self._own_led:
            self._own_led = led
            self.announce()

    def announce(self) -> None:
        """Say to everybody what this node leads."""
        for peer in sorted(self._known | self._neighbours):
            self.announce_to(peer)

    def announce_to(self, peer: int) -> None:
        """Say to `peer` what this node leads."""
        self.mail.to(peer).led = self._own_led

    def told_led(self, peer: int, led: list[tuple[int, int]]) -> None:
        """Take note of what `peer` says that it leads."""
        if (peer in self._known or peer in self._neighbours) and self._led.get(peer) != dict(led):
            self._led[peer] = dict(led)
            self.led_moved += 1

    def forget_led(self, peer: int) -> None:
        """Believe no more what `peer` said that it leads: it may be gone, and says it again if it is not."""
        if self._led.pop(peer, None) is not None:
            self.led_moved += 1

    def leaders(self, own: Mapping[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
        """Return {group: (term, leader)} of the greatest terms in `own` and in what peers have said."""
        found = dict(own)
        for peer, led in self._led.items():
            for group, term in led.items():
                if term >= found.get(group, (0, 0))[0]:
                    found[group] = (term, peer)
        return found
