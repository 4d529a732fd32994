"""Whatever bytes a peer sends, `step` answers with None or a refusal, and the group lives on.

A small cluster runs with a lossy network; what it sends is kept and comes back mangled: bytes flipped, cut, fields set
to telling values, parts of two messages spliced, recursion bombs, noise. Many mangled messages still decode, and are
plausible at the state the replica is in: those are the ones the guard before the core has to catch.
`--fuzz-messages N --fuzz-seed S` goes on longer or elsewhere.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random

import pytest
from raft_harness.forge import field, fields

from themis_raft import NORMAL, ConfState, Group, ProposalDropped, StepError, describe_message

NODES = (1, 2, 3, 4)
# Wire types of the fields of eraftpb.Message: varints and bytes.
VARINT_FIELDS = (1, 2, 3, 4, 5, 6, 8, 10, 11, 13, 14, 15, 16)
BYTES_FIELDS = (7, 9, 12)


class Mangler:
    """Makes bad messages out of good ones."""

    def __init__(self, random: Random) -> None:
        """Start with nothing to mangle."""
        self.random = random
        self.good: list[bytes] = []

    def keep(self, data: bytes) -> None:
        """Remember a real message."""
        if len(self.good) < 400:
            self.good.append(data)
        else:
            self.good[self.random.randrange(400)] = data

    def number(self) -> int:
        """A number that hurts: small, an edge, or anything."""
        edges = (0, 1, 2, 3, 7, 1 << 31, 1 << 32, 1 << 53, (1 << 60) - 1, 1 << 60, 1 << 63, (1 << 64) - 1)
        return self.random.choice((self.random.choice(edges), self.random.randrange(40), self.random.getrandbits(64)))

    def set_field(self, data: bytes, number: int, value: int | bytes) -> bytes:
        """Replace (or add) one field."""
        rest = b"".join(whole for other, whole in fields(data) if other != number)
        return rest + field(number, value)

    def retype(self, data: bytes) -> bytes:
        """The same message as another type, in a plausible term."""
        changed = self.set_field(data, 1, self.random.randrange(19))
        return self.set_field(changed, 4, self.random.randrange(12))

    def mangle(self, to: int) -> bytes:
        """One bad message; most are addressed to the replica that gets them."""
        random = self.random
        data = random.choice(self.good)
        match random.randrange(9):
            case 0:
                changed = bytearray(data)
                for _ in range(random.choice((1, 1, 1, 2, 5))):
                    changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
                return bytes(changed)
            case 1:
                return data[: random.randrange(len(data))]
            case 2:
                data = self.set_field(data, random.choice(VARINT_FIELDS), self.number())
            case 3:
                # Parts of several real messages: entries of one, the snapshot of another, the envelope of a third.
                parts = [
                    whole for _ in range(3) for _, whole in fields(random.choice(self.good)) if random.random() < 0.6
                ]
                data = b"".join(parts)
            case 4:
                data = self.retype(data)
            case 5:
                for _ in range(random.randrange(1, 5)):
                    data = self.set_field(data, random.choice(VARINT_FIELDS[2:]), random.randrange(30))
            case 6:
                # An inner message mangled, the outer one intact.
                number = random.choice(BYTES_FIELDS)
                inner = bytearray(random.choice(self.good)[: random.randrange(60)])
                if inner:
                    inner[random.randrange(len(inner))] ^= 1 << random.randrange(8)
                data = self.set_field(data, number, bytes(inner))
            case 7:
                tag = random.choice((0x1B, 0x0B, 0x33, 0x0C, 0xFB))
                return bytes([tag]) * random.choice((1, 100, 50_000))
            case _:
                return random.randbytes(random.randrange(80))
        return self.set_field(data, 2, to) if random.random() < 0.95 else data


def make_group(node_id: int) -> Group:
    """A replica of the cluster; the fourth waits to be added."""
    if node_id == 4:
        return Group(node_id=4, election_ticks=10, heartbeat_ticks=2, election_timeout_ticks=14)
    return Group(
        node_id=node_id,
        voters=[1, 2, 3],
        election_ticks=10,
        heartbeat_ticks=2,
        election_timeout_ticks=10 + node_id,
        snapshot_index=1,
        snapshot_term=1,
        applied=1,
        hard_state=(1, 0, 1),
    )


class Cluster:
    """A busy cluster, some of whose messages are lost, and whose disks take their time."""

    def __init__(self, random: Random, mangler: Mangler) -> None:
        """Start all replicas."""
        self.random = random
        self.mangler = mangler
        self.groups = {node_id: make_group(node_id) for node_id in NODES}
        self.unsent: dict[int, list[tuple[int, bytes]]] = {node_id: [] for node_id in NODES}
        self.network: list[tuple[int, bytes]] = []

    def turn(self, node_id: int) -> None:
        """One step of one replica: time, work, a Ready taken or persisted, at random."""
        random, group = self.random, self.groups[node_id]
        group.tick()
        if group.role == "leader" and random.random() < 0.5:
            self.work(group)
        if group.ready_pending:
            if random.random() < 0.7:
                advanced = group.advance()
                self.network += self.unsent[node_id]
                self.network += advanced.messages
                self.apply(group, advanced.committed)
        elif group.has_ready():
            ready = group.ready()
            self.network += ready.messages
            self.unsent[node_id] = ready.persisted_messages
            self.apply(group, ready.committed)

    def work(self, group: Group) -> None:
        """What a driver asks of a leader."""
        random = self.random
        try:
            match random.randrange(12):
                case 0:
                    group.read_index(random.randbytes(8))
                case 1:
                    kind = random.choice(("add_learner", "add_voter", "remove"))
                    group.propose_conf_change([(kind, random.choice(NODES[1:]))])  # type: ignore[list-item]
                case 2:
                    group.propose_conf_change([("add_voter", 4), ("add_learner", 2)])
                case 3:
                    group.transfer_leader(random.choice(NODES))
                case 4:
                    group.compact(max(group.applied - 3, 0))
                case 5:
                    group.report_snapshot(random.choice(NODES), random.random() < 0.5)
                case _:
                    group.propose([random.randbytes(random.randrange(20)) for _ in range(random.randrange(1, 4))])
        except ProposalDropped:
            pass
        if group.snapshot_requests() and group.applied >= group.first_index - 1:
            index = group.applied
            group.provide_snapshot(index, group.term_at(index), group.conf_state().encode(), b"state")

    def apply(self, group: Group, committed: list[tuple[int, int, int, bytes]]) -> None:
        """Apply entries. A forged leader may have committed a change that cannot be made: it is skipped."""
        for index, _, kind, data in committed:
            if kind != NORMAL:
                with suppress(StepError):
                    group.apply_conf_change(kind, data)
            group.applied_to(index)

    def deliver(self) -> None:
        """Deliver what was sent, and keep it for the mangler."""
        sent, self.network = self.network, []
        for to, data in sent:
            self.mangler.keep(data)
            # A replica answers whoever a forged message names as its sender.
            if to in self.groups and self.random.random() < 0.9:
                self.groups[to].step([data])


@pytest.mark.parametrize("attackers", [0.0, 1.0], ids=["healthy", "attacked"])
def test_mangled_messages_never_harm_a_group(attackers: float, request: pytest.FixtureRequest) -> None:
    total: int = request.config.getoption("--fuzz-messages")
    seed: int = request.config.getoption("--fuzz-seed")
    random = Random(seed)
    mangler = Mangler(random)
    answers: Counter[str] = Counter()
    cluster = Cluster(random, mangler)
    committed = rounds = sent = 0
    last: bytes = b""
    try:
        while sent < total and rounds < total:
            rounds += 1
            for node_id in NODES:
                cluster.turn(node_id)
                if attackers and mangler.good and random.random() < 0.5:
                    batch = [mangler.mangle(node_id) for _ in range(random.randrange(1, 8))]
                    sent += len(batch)
                    for last in batch:
                        (error,) = cluster.groups[node_id].step([last])
                        answers["taken" if error is None else error.split(":")[0][:40]] += 1
            cluster.deliver()
            # A forged message may wear a cluster out (terms, memberships); begin again now and then.
            if rounds % 150 == 0:
                committed += max(group.commit for group in cluster.groups.values())
                cluster = Cluster(random, mangler)
    except BaseException as error:
        error.add_note(f"seed {seed}, round {rounds}, message {last.hex()} {describe(last)}")
        raise
    assert committed > 0
    if attackers:
        assert answers["taken"] > total // 100, answers
        assert answers["taken"] < total, answers
        assert len(answers) > 20, answers


def describe(data: bytes) -> str:
    """The message that was last, readable if it can be."""
    try:
        return describe_message(data)
    except StepError as error:
        return str(error)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x1b" * 200_000, b"\x3a\x02\x0b\x0b", b"\xff" * 30])
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    group = make_group(1)
    assert all(group.step([data, data]))
    for decode in (describe_message, ConfState.decode):
        if data:
            with pytest.raises(StepError):
                decode(data)
