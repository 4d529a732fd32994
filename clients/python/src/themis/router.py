"""Which node to ask: the newest topology, who leads, who is near, and which endpoints are out.

State and decisions only; whoever does the I/O tells the router what happened. Any node takes any request and forwards
it at most once, so a wrong choice costs a hop, never an answer: the router prefers the leader of the shard (or, for
reads that may lag, the nearest replicas) and falls back to whatever is alive.

    a key, a read that may lag    nearest replicas ─┐
    a key, anything else ──────────────────────────┴▶ leader ▶ voters ▶ replicas that are down ─┐
    no key ───────────────────────────────────────────────────────────────────────────────────┴▶ nearest nodes ▶ seeds

An endpoint that failed is out for a while that doubles with each failure; then one request tries it again, and a
success brings it back. When all are out, the one whose time is nearest is used: better a refused connection than no
attempt. Being *down* is what the cluster says of a node: such a node is asked when nobody else of its kind is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from themis.leaders import Leaders
from themis.nearness import Nearness, Tiers
from themis.topology import TopologyView
from themis.transport.message import Endpoint

__all__ = ["Router"]

_OUT_FIRST_S: Final = 0.5
_OUT_LONGEST_S: Final = 30.0
_LOAD_AGAIN_S: Final = 1.0


class _Outage:
    __slots__ = ("pause_s", "until")

    def __init__(self, until: float, pause_s: float) -> None:
        self.until = until
        self.pause_s = pause_s


class _Routes(NamedTuple):
    """Where the requests about one shard may go; the voters are those that are not down."""

    near: Tiers
    voters: tuple[Endpoint, ...]


class _Chart(NamedTuple):
    """A topology with everything that is chosen from, replaced as a whole."""

    view: TopologyView
    nodes: Tiers
    down: frozenset[Endpoint]
    shards: dict[str, _Routes]


class Router:
    """The routing state of one client. Threads share it.

    Args:
        seeds: The endpoints the user named; always known, whatever the topology says.
        clock: Monotonic seconds.
        random: Uniform in [0, 1).
        nearness: Where the client is.
    """

    def __init__(
        self,
        seeds: Sequence[Endpoint],
        clock: Callable[[], float],
        random: Callable[[], float],
        nearness: Nearness | None = None,
    ) -> None:
        self._seeds = tuple(dict.fromkeys(seeds))
        self._clock = clock
        self._random = random
        self._nearness = nearness if nearness is not None else Nearness()
        self._lock = threading.Lock()
        self._out: dict[str, _Outage] = {}
        self._chart: _Chart | None = None
        self._leaders = Leaders()
        self._epoch_seen = -1
        self._load_at = clock()

    # Topology

    @property
    def view(self) -> TopologyView | None:
        """The newest topology, None before the first was loaded."""
        return self._chart.view if self._chart is not None else None

    @property
    def stale(self) -> bool:
        """Whether a node has told of a newer epoch than we know."""
        view = self.view
        return view is not None and self._epoch_seen > view.epoch

    @property
    def wants_topology(self) -> bool:
        """Whether there is none yet, and it is time to (re)try loading it."""
        return self._chart is None and self._clock() >= self._load_at

    @property
    def is_cluster(self) -> bool:
        """Whether there is a topology of more than one node."""
        return self._chart is not None and len(self._chart.view.nodes) > 1

    def install(self, view: TopologyView) -> bool:
        """Take a topology as the current one, unless its epoch is older; True if it was taken.

        Of leaders that differ, the one with the greater term stays, whichever topology is newer.
        """
        chart = self._charted(view)
        with self._lock:
            if self._chart is not None and view.epoch < self._chart.view.epoch:
                return False
            self._leaders.take(places.claim for places in view.shards.values())
            self._chart = chart
            return True

    def _charted(self, view: TopologyView) -> _Chart:
        tiers = self._nearness.tiers
        shards = {
            shard_id: _Routes(
                tiers(places.replicas),
                tuple(place.endpoint for place in places.voters if not place.is_down),
            )
            for shard_id, places in view.shards.items()
        }
        # Of all nodes: who is hinted to lead may have no replica by this topology.
        down = frozenset(place.endpoint for place in view.nodes if place.is_down)
        return _Chart(view, tiers(view.nodes), down, shards)

    def hint(self, key_hash: int, node_id: str) -> bool:
        """A node has answered as the leader of a key's shard; True when that is news."""
        chart = self._chart
        endpoint = chart.view.endpoint_of(node_id) if chart is not None else None
        if chart is None or endpoint is None:
            return False
        shard_id = chart.view.shard_of(key_hash)
        if self._leaders.of(shard_id) == endpoint:
            return False
        with self._lock:
            return self._leaders.hint(shard_id, endpoint)

    def load_failed(self) -> None:
        """Loading failed everywhere: requests go to the seeds, and loading waits a little."""
        with self._lock:
            self._load_at = self._clock() + _LOAD_AGAIN_S

    def saw_epoch(self, epoch: int) -> bool:
        """A node answered under this epoch; True when that is news and the topology ought to be refreshed."""
        if epoch <= self._epoch_seen:
            return False
        with self._lock:
            if epoch <= self._epoch_seen:
                return False
            self._epoch_seen = epoch
            return self._chart is not None and epoch > self._chart.view.epoch

    # Endpoints

    def failed(self, endpoint: Endpoint) -> None:
        """An exchange with it brought no answer."""
        with self._lock:
            outage = self._out.get(endpoint.url)
            pause_s = _OUT_FIRST_S if outage is None else min(outage.pause_s * 2, _OUT_LONGEST_S)
            # Half of it is drawn, so that clients do not come back in step.
            self._out[endpoint.url] = _Outage(self._clock() + pause_s * (0.5 + self._random() / 2), pause_s)

    def answered(self, endpoint: Endpoint) -> None:
        """An exchange with it brought an answer, of whatever status."""
        if self._out and endpoint.url in self._out:
            with self._lock:
                self._out.pop(endpoint.url, None)

    def is_out(self, endpoint: Endpoint) -> bool:
        """Whether it is passed over at this moment."""
        outage = self._out.get(endpoint.url)
        return outage is not None and outage.until > self._clock()

    def known(self) -> list[Endpoint]:
        """All endpoints: those of the topology, and the seeds."""
        nodes = [place.endpoint for place in self._chart.view.nodes] if self._chart is not None else []
        return list(dict.fromkeys((*nodes, *self._seeds)))

    def shard_of(self, key_hash: int) -> str | None:
        """The shard of a key, if a topology says so that nobody has told of a newer one of."""
        view = self.view
        return None if view is None or self._epoch_seen > view.epoch else view.shard_of(key_hash)

    def leader(self, key_hash: int) -> Endpoint | None:
        """The leader of a key's shard, as far as known."""
        chart = self._chart
        return self._leaders.of(chart.view.shard_of(key_hash)) if chart is not None else None

    def nearest(self, key_hash: int) -> tuple[Endpoint, ...]:
        """The replicas of a key's shard that a read may best go to, all equally good; none where none is known."""
        chart = self._chart
        if chart is None:
            return ()
        for tier in chart.shards[chart.view.shard_of(key_hash)].near.up:
            usable = tuple(endpoint for endpoint in tier if not self.is_out(endpoint))
            if usable:
                return usable
        return ()

    def has_another(self, asked: set[Endpoint]) -> bool:
        """Whether there is an endpoint beside these that is not out."""
        return any(endpoint not in asked and not self.is_out(endpoint) for endpoint in self.known())

    def choose(self, key_hash: int | None, *, any_replica: bool = False, avoid: Endpoint | None = None) -> Endpoint:
        """The endpoint for a request.

        Args:
            key_hash: Of the key it is about; None when any node will do.
            any_replica: Whether a replica that lags may answer.
            avoid: Who has just failed to answer it; asked again only if nobody else is there.
        """
        chart = self._chart
        if chart is not None:
            chosen = None
            if key_hash is not None:
                chosen = self._choose_for_shard(chart, chart.view.shard_of(key_hash), any_replica, avoid)
            chosen = chosen or self._draw_tiers(chart.nodes.up, avoid) or self._draw_tiers(chart.nodes.down, avoid)
            if chosen is not None:
                return chosen
        return self._draw(self._seeds, avoid) or self._last_resort(avoid)

    def _choose_for_shard(
        self, chart: _Chart, shard_id: str, any_replica: bool, avoid: Endpoint | None
    ) -> Endpoint | None:
        routes = chart.shards[shard_id]
        if any_replica:
            chosen = self._draw_tiers(routes.near.up, avoid)
            if chosen is not None:
                return chosen
        leader = self._leaders.of(shard_id)
        if leader == avoid:
            leader = None
        is_down = leader is not None and bool(chart.down) and leader in chart.down
        if leader is not None and not is_down and (not self._out or self._usable(leader)):
            return leader
        chosen = self._draw(routes.voters, avoid)
        if chosen is None and leader is not None and is_down and self._usable(leader):
            return leader
        return chosen or self._draw_tiers(routes.near.up, avoid) or self._draw_tiers(routes.near.down, avoid)

    def refresh_order(self) -> list[Endpoint]:
        """Whom to ask for the topology: everybody, in random order, those that are out last."""
        drawn = sorted((self.is_out(endpoint), self._random(), endpoint.url, endpoint) for endpoint in self.known())
        return [endpoint for _, _, _, endpoint in drawn]

    def _draw_tiers(self, tiers: tuple[tuple[Endpoint, ...], ...], avoid: Endpoint | None) -> Endpoint | None:
        for tier in tiers:
            chosen = self._draw(tier, avoid)
            if chosen is not None:
                return chosen
        return None

    def _draw(self, candidates: Sequence[Endpoint], avoid: Endpoint | None) -> Endpoint | None:
        if not self._out and avoid is None:
            count = len(candidates)
            if count <= 1:
                return candidates[0] if count else None
            return candidates[int(self._random() * count)]
        usable = [endpoint for endpoint in candidates if endpoint != avoid and not self.is_out(endpoint)]
        if not usable:
            return None
        chosen = usable[int(self._random() * len(usable))]
        return chosen if self._usable(chosen) else None

    def _usable(self, endpoint: Endpoint) -> bool:
        """Whether to send to it now; the first to ask after an outage's end becomes its one probe."""
        outage = self._out.get(endpoint.url)
        if outage is None:
            return True
        with self._lock:
            now = self._clock()
            if outage.until > now:
                return False
            outage.until = now + outage.pause_s
            return True

    def _last_resort(self, avoid: Endpoint | None) -> Endpoint:
        known = self.known()
        others = [endpoint for endpoint in known if endpoint != avoid] or known
        return min(others, key=lambda endpoint: self._out[endpoint.url].until if endpoint.url in self._out else 0.0)
