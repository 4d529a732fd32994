"""What an operator sees and changes: nodes, shards, replicas, join tokens.

Changes are made at once, where a cluster would take its time: a drained node has no replica in the next answer.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from themis_conformance.names import NAME
from themis_conformance.plan import ReplicasPlan
from themis_conformance.scripted.call import Call, Reply
from themis_conformance.scripted.problems import Refusal
from themis_conformance.scripted.shape import Shape, node_id
from themis_conformance.scripted.store import Store

__all__ = ["AdminHandlers"]

_METADATA: Final = "metadata"
_REPLICAS_MAX: Final = 9
_TTL_S: Final = (60, 2_592_000)
_A_DAY_S: Final = 86_400
_DESCRIPTION_CHARS_MAX: Final = 200


class AdminHandlers:
    """The operations under /api/admin.

    Args:
        store: The data, to be counted.
        shape: Nodes and shards.
    """

    def __init__(self, store: Store, shape: Shape) -> None:
        self._store = store
        self._shape = shape
        self._target = max(len(places.voters) for places in shape.replicas.values())
        self._removed: set[int] = set()
        self._tokens: dict[str, dict[str, Any]] = {}
        self._tokens_made = 0

    # What there is

    def topology(self, call: Call) -> Reply:
        """The shards as an operator sees them."""
        call.query()
        shape = self._shape
        counts = dict.fromkeys(shape.leaders, 0)
        for namespace in self._store.namespaces.values():
            for collection in namespace.collections.values():
                for uuid in collection.entities:
                    counts[shape.ring.shard_of(uuid)] += 1
        shards = [
            {
                "shard_id": shard,
                "primary_endpoint": None if leader is None else shape.urls[leader],
                "replicas": [shape.urls[number] for number in _numbers(shape.replicas[shard])],
                "health": self._health(shard),
                "datacenter": "dc1" if leader is None else shape.nodes[leader].datacenter,
                "token_ranges": [
                    {"start": f"{start:016x}", "end": f"{end:016x}"} for start, end in shape.ring.ranges(shard)
                ],
                "key_count": counts[shard],
            }
            for shard, leader in shape.leaders.items()
        ]
        return Reply.of({"epoch": shape.epoch, "shards": shards, **self._unreachable()})

    def metrics(self, call: Call) -> Reply:
        """Figures for a dashboard."""
        named = call.query().get("node_id")
        number = call.node if named is None else self._node(named)
        now_ms = int(time.time() * 1000)
        point: dict[str, Any] = {"timestamp": now_ms, "value": 0.8}
        figures: dict[str, Any] = {
            "operation": "getEntity",
            "requests": 25601,
            "errors": 3,
            "p50_ms": 0.2,
            "p95_ms": 0.8,
            "p99_ms": 1.7,
        }
        return Reply.of(
            {
                "node_id": node_id(number),
                "timestamp_ms": now_ms,
                "interval_ms": 5000,
                "query_latency_p95": [point],
                "throughput": [point],
                "operations": [figures],
                "storage": {"sst_bytes": 73_400_320},
                "raft": {"groups": 9},
                "process": {"uptime_s": 3600},
            }
        )

    def status(self, call: Call) -> Reply:
        """The state of the cluster."""
        call.query()
        nodes = [self._shape.nodes[number].health for number in self._present()]
        return Reply.of(
            {
                "cluster": "themis",
                "node_id": node_id(call.node),
                "epoch": self._shape.epoch,
                "replicas": self._target,
                "coordinator": node_id(self._present()[0]),
                "nodes": _counts(nodes),
                "shards": _counts([self._health(shard) for shard in self._shape.leaders]),
                "metadata": {
                    "store": "embedded",
                    "available": True,
                    "leader": node_id(self._present()[0]),
                    "members": [{"node_id": node_id(number), "role": "voter"} for number in self._present()],
                },
                "unsettled": [],
                "findings": [],
                **self._unreachable(),
            }
        )

    def nodes(self, call: Call) -> Reply:
        """The nodes."""
        call.query()
        return Reply.of({"epoch": self._shape.epoch, "items": [self._described(number) for number in self._present()]})

    def node(self, call: Call) -> Reply:
        """One node, and what it says of itself."""
        call.query()
        number = self._node(call.name("node_id"))
        found: dict[str, Any] = {"epoch": self._shape.epoch, "node": self._described(number)}
        if self._shape.nodes[number].health != "down":
            found["details"] = {
                "uptime_s": 3600.5,
                "groups": [self._group(shard, number) for shard in self._on(number)],
            }
        return Reply.of(found)

    def shards(self, call: Call) -> Reply:
        """The shards with their replicas."""
        call.query()
        items = [self._shard_status(shard) for shard in self._shape.leaders]
        return Reply.of({"epoch": self._shape.epoch, "items": items, **self._unreachable()})

    def shard(self, call: Call) -> Reply:
        """One shard."""
        call.query()
        shard = call.name("shard_id")
        if shard == _METADATA:
            replicas = [
                self._replica(number, "voter", leads=number == self._present()[0]) for number in self._present()
            ]
            leader = {"leader": node_id(self._present()[0]), "leader_term": 1}
            return Reply.of(
                {"shard_id": shard, "health": "healthy", **leader, "commit": 1, "settled": True, "replicas": replicas}
            )
        return Reply.of(self._shard_status(self._known(shard)))

    # Changes

    def remove_node(self, call: Call) -> Reply:
        """Take a node out, with force although it holds replicas."""
        force = call.query().get("force") == "true"
        number = self._node(call.name("node_id"))
        holds = self._on(number)
        alone = len(self._present()) == 1 or any(self._shape.replicas[shard].voters == (number,) for shard in holds)
        if alone or (holds and not force):
            raise Refusal("node_in_use", f"{node_id(number)} still holds {len(holds)} replicas.")
        self._empty(number)
        self._removed.add(number)
        return Reply.of({"removed": node_id(number), "epoch": self._next_epoch()})

    def drain_node(self, call: Call) -> Reply:
        """Move everything off a node."""
        call.query()
        number = self._node(call.name("node_id"))
        if len(self._present()) == 1:
            raise Refusal("node_in_use", f"{node_id(number)} is the only node.")
        self._empty(number)
        return self._turn(number, "leaving")

    def undrain_node(self, call: Call) -> Reply:
        """Let a node stay."""
        call.query()
        return self._turn(self._node(call.name("node_id")), "up")

    def transfer_leader(self, call: Call) -> Reply:
        """Move a leader."""
        body = call.json_object(("target",))
        shard = self._known(call.name("shard_id"))
        target = body.get("target")
        leader = self._shape.leaders[shard]
        if target is not None:
            number = self._node(_name(target, "/target"))
        else:
            others = [number for number in self._shape.replicas[shard].voters if number != leader]
            if not others:
                raise Refusal("transfer_refused", f"{shard} has no other voter.")
            number = others[0]
        if number not in self._shape.replicas[shard].voters:
            raise Refusal("transfer_refused", f"{node_id(number)} has no voting replica of {shard}.")
        self._shape.lead(shard, number)
        return Reply.of({"shard_id": shard, "leader": node_id(number), "leader_term": self._shape.terms[shard]})

    def replace_replica(self, call: Call) -> Reply:
        """Move a replica."""
        body = call.json_object(("source", "target"), ("source",))
        shard = self._known(call.name("shard_id"))
        source = self._node(_name(body["source"], "/source"))
        places = self._shape.replicas[shard]
        free = [number for number in self._present() if number not in _numbers(places)]
        if "target" in body:
            target = self._node(_name(body["target"], "/target"))
        elif free:
            target = free[0]
        else:
            raise Refusal("placement_refused", f"There is no node without a replica of {shard}.")
        if source not in _numbers(places) or target in _numbers(places):
            raise Refusal("placement_refused", f"A replica of {shard} cannot move so.")
        self._shape.replicas[shard] = ReplicasPlan(
            _swapped(places.voters, source, target), _swapped(places.learners, source, target)
        )
        if self._shape.leaders[shard] == source:
            self._shape.lead(shard, target)
        return Reply.of({"shard_id": shard, "epoch": self._next_epoch(), "replicas": self._shape.places(shard)})

    def set_replicas(self, call: Call) -> Reply:
        """Set how many there shall be."""
        wanted = call.json_object(("replicas",), ("replicas",))["replicas"]
        if type(wanted) is not int or not 1 <= wanted <= _REPLICAS_MAX:
            raise Refusal("invalid_body", f"replicas is 1 to {_REPLICAS_MAX}.", {"pointer": "/replicas"})
        self._target = wanted
        return Reply.of({"replicas": wanted, "epoch": self._next_epoch()})

    # Join tokens

    def join_tokens(self, call: Call) -> Reply:
        """Those that are good."""
        call.query()
        return Reply.of({"items": list(self._tokens.values())})

    def create_join_token(self, call: Call) -> Reply:
        """Make one."""
        body = call.json_object(("ttl_s", "description"))
        ttl_s, description = body.get("ttl_s", _A_DAY_S), body.get("description", "")
        if type(ttl_s) is not int or not _TTL_S[0] <= ttl_s <= _TTL_S[1]:
            raise Refusal("invalid_body", f"ttl_s is {_TTL_S[0]} to {_TTL_S[1]}.", {"pointer": "/ttl_s"})
        if not isinstance(description, str) or len(description) > _DESCRIPTION_CHARS_MAX:
            raise Refusal("invalid_body", "That is no description.", {"pointer": "/description"})
        self._tokens_made += 1
        now = datetime.now(UTC)
        made = {
            "token_id": f"{self._tokens_made:08x}",
            "description": description,
            "created_at": _time(now),
            "expires_at": _time(now + timedelta(seconds=ttl_s)),
        }
        self._tokens[made["token_id"]] = made
        return Reply.of({**made, "token": f"themis-join-{'5b1Yk9sV' * 5}{self._tokens_made:03}"}, 201)

    def revoke_join_token(self, call: Call) -> Reply:
        """Revoke one."""
        call.query()
        token_id = call.name("token_id")
        if self._tokens.pop(token_id, None) is None:
            raise Refusal("join_token_not_found", f"There is no join token {token_id!r}.")
        return Reply.of({"revoked": token_id})

    # Parts

    def _present(self) -> list[int]:
        return [number for number in range(len(self._shape.nodes)) if number not in self._removed]

    def _node(self, text: str) -> int:
        for number in self._present():
            if node_id(number) == text:
                return number
        raise Refusal("node_not_found", f"There is no node {text!r}.")

    def _known(self, shard: str) -> str:
        if shard not in self._shape.leaders:
            raise Refusal("shard_not_found", f"There is no shard {shard!r}.")
        return shard

    def _next_epoch(self) -> int:
        self._shape.set_epoch(self._shape.epoch + 1)
        return self._shape.epoch

    def _turn(self, number: int, state: str) -> Reply:
        plan = self._shape.nodes[number]
        changed = plan.state != state
        self._shape.nodes[number] = replace(plan, state=state)
        epoch = self._next_epoch() if changed else self._shape.epoch
        return Reply.of({"node_id": node_id(number), "state": state, "epoch": epoch})

    def _empty(self, number: int) -> None:
        """Take all replicas from a node that others can have."""
        for shard in self._on(number):
            places = self._shape.replicas[shard]
            voters = tuple(voter for voter in places.voters if voter != number)
            learners = tuple(learner for learner in places.learners if learner != number)
            if not voters:
                voters = tuple(other for other in self._present() if other != number)[:1]
                learners = tuple(learner for learner in learners if learner not in voters)
            self._shape.replicas[shard] = ReplicasPlan(voters, learners)
            if self._shape.leaders[shard] == number:
                self._shape.lead(shard, voters[0])

    def _on(self, number: int) -> list[str]:
        return [shard for shard, places in self._shape.replicas.items() if number in _numbers(places)]

    def _is_down(self, number: int) -> bool:
        return self._shape.nodes[number].health == "down"

    def _health(self, shard: str) -> str:
        if self._shape.leaders[shard] is None:
            return "down"
        return "degraded" if any(map(self._is_down, _numbers(self._shape.replicas[shard]))) else "healthy"

    def _unreachable(self) -> dict[str, Any]:
        down = [{"node_id": node_id(number)} for number in self._present() if self._is_down(number)]
        return {"unreachable": down} if down else {}

    def _described(self, number: int) -> dict[str, Any]:
        plan, on = self._shape.nodes[number], self._on(number)
        return {
            "node_id": node_id(number),
            "endpoint": self._shape.urls[number],
            "peer": f"127.0.0.1:{9080 + number}",
            "datacenter": plan.datacenter,
            "rack": plan.rack,
            "kind": plan.kind,
            "state": plan.state,
            "health": plan.health,
            "reasons": [] if plan.health == "healthy" else ["scripted"],
            "version": "0.2.0",
            "reachable": plan.health != "down",
            "replicas": {
                "voters": sum(number in self._shape.replicas[shard].voters for shard in on),
                "learners": sum(number in self._shape.replicas[shard].learners for shard in on),
                "leaders": sum(leader == number for leader in self._shape.leaders.values()),
                "lagging": 0,
            },
            "disk": {"free_bytes": 81_604_378_624},
        }

    def _group(self, shard: str, number: int) -> dict[str, Any]:
        role = self._shape.role_of(number, shard) or "follower"
        return {
            "shard_id": shard,
            "role": "learner" if role == "learner" else "voter",
            "state": "leader" if role == "leader" else "follower",
            "term": self._shape.terms[shard],
            "applied": 10452,
            "commit": 10452,
            "log_bytes": 1_048_576,
        }

    def _shard_status(self, shard: str) -> dict[str, Any]:
        leader, places = self._shape.leaders[shard], self._shape.replicas[shard]
        replicas = [
            self._replica(number, "voter" if number in places.voters else "learner", leads=number == leader)
            for number in sorted(_numbers(places))
        ]
        found: dict[str, Any] = {"shard_id": shard, "health": self._health(shard), "leader": None, "replicas": replicas}
        if leader is not None:
            led = {"leader": node_id(leader), "leader_term": self._shape.terms[shard]}
            found |= {**led, "commit": 10452, "settled": True}
        return found

    def _replica(self, number: int, role: str, *, leads: bool) -> dict[str, Any]:
        found: dict[str, Any] = {"node_id": node_id(number), "role": role, "wanted": role}
        if self._is_down(number):
            return {**found, "state": "unreachable"}
        return {**found, "state": "leader" if leads else "follower", "match": 10452, "lag_entries": 0, "applied": 10452}


def _numbers(places: ReplicasPlan) -> tuple[int, ...]:
    return (*places.voters, *places.learners)


def _swapped(numbers: tuple[int, ...], source: int, target: int) -> tuple[int, ...]:
    return tuple(target if number == source else number for number in numbers)


def _counts(healths: list[str]) -> dict[str, int]:
    return {"total": len(healths), **{health: healths.count(health) for health in ("healthy", "degraded", "down")}}


def _name(value: Any, pointer: str) -> str:
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise Refusal("invalid_body", "That is no id.", {"pointer": pointer})
    return value


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
