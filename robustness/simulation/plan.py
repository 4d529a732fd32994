"""What a seed decides before the run begins.

Every seed draws a size, a speed of network and disk, and a part of the faults (swarm testing): runs in which everything
goes wrong at once find less than runs in which a few things go wrong a lot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

TICK_MS = 50
"""Length of a Raft tick on a node's own clock, milliseconds: the server's default."""

FAULTS = (
    "crash",
    "crash_in_write",
    "crash_in_install",
    "burst",
    "crash_all",
    "kill",
    "pause",
    "isolate",
    "split",
    "one_way",
    "bridge",
    "loss",
    "delay",
    "duplicates",
    "slow_disk",
    "wall_clock",
    "transfer",
    "reset",
    "idle_compaction",
    "replace_replica",
    "reshape",
    "join",
    "join",
    "remove",
)
"""Every kind of fault but `RAFT_LOST` and `AMBUSH`; `faults.py` says what each does."""

RAFT_LOST = "raft_lost"
"""Raft messages of a node are lost while what is said beside Raft arrives: drawn apart from the other kinds.

So the others elect a leader while the old one can still ask them whether it leads.
"""
_RAFT_LOST_SHARE = 0.25

AMBUSH = "ambush"
"""A leader is cut off in the middle of a membership change (`ambush.py`): drawn apart too, where members change."""
_AMBUSH_SHARE = 0.5

_PROVEN_EVERY_S = (0.03, 0.1, 0.3, 0.3)
"""A server's, and longer: clients here ask less often than proofs are made, which else are half of what happens."""

MAX_LAG_MS = (0, 50, 200, 1000)
"""What bounded reads ask for."""


@dataclass
class Weather:
    """How the network behaves at the moment. Times in microseconds, the rest probabilities."""

    latency_us: int
    jitter_us: int
    loss: float = 0.0
    duplicates: float = 0.0
    stragglers: float = 0.01
    straggle_us: int = 30_000


@dataclass(frozen=True)
class Plan:
    """The settings of one run."""

    seed: int
    nodes: int
    """How many there may be; those beyond `voters` join later."""
    voters: int
    """How many of the nodes are members of every group at the start."""
    shards: int
    clients: int
    keys: int
    """How many keys there are in each shard: few, so that clients meet."""
    fault_us: int
    """How long faults happen."""
    heal_us: int
    """How long the cluster then has to become whole: the bound of its liveness."""
    think_us: int
    """How long a client waits between operations, on average."""
    client_timeout_us: int
    fault_gap_us: int
    """How long it is from one fault to the next, on average."""
    weather: Weather
    sync_us: int
    """How long a sync takes."""
    drift: float
    """How far monotonic clocks may be off: 0.02 is 2 %."""
    lease_reads: bool
    compact_entries: int
    """How many entries a log holds before it is compacted."""
    retain_bytes: int
    """How much log is kept for replicas that lag; beyond it they are sent a snapshot."""
    chunk_bytes: int
    """Bytes of a snapshot sent at once."""
    proven_every_s: float
    """How old the proofs get by which nodes serve reads that may lag, while such reads come in."""
    faults: tuple[str, ...] = field(default=())


def draw(seed: int) -> Plan:
    """Return the plan of a seed."""
    random = Random(f"plan {seed}")
    nodes = random.choice((3, 3, 3, 4, 5, 5, 7))
    voters = min(nodes, random.choice((3, 3, 3, 5)))
    faults = tuple(kind for kind in FAULTS if random.random() < random_share(random))
    if "reshape" in faults:
        # Who takes a group down to two voters and then burns one of them has lost it, and no database can help.
        faults = tuple(kind for kind in faults if kind != "remove")
    if Random(f"raft lost {seed}").random() < _RAFT_LOST_SHARE:
        faults = (*faults, RAFT_LOST, RAFT_LOST)
    if "reshape" in faults and Random(f"ambush {seed}").random() < _AMBUSH_SHARE:
        faults = (*faults, AMBUSH, AMBUSH)
    return Plan(
        seed=seed,
        nodes=nodes,
        voters=voters,
        shards=random.choice((1, 1, 2)),
        clients=random.randint(2, 4),
        keys=random.randint(2, 5),
        fault_us=random.randint(4_000_000, 9_000_000),
        heal_us=8_000_000,
        think_us=random.choice((30_000, 60_000, 120_000)),
        client_timeout_us=random.choice((300_000, 800_000, 2_000_000)),
        fault_gap_us=random.choice((150_000, 400_000, 900_000)),
        weather=Weather(
            latency_us=random.choice((100, 500, 2_000)),
            jitter_us=random.choice((100, 1_000, 8_000)),
        ),
        sync_us=random.choice((50, 500, 3_000)),
        drift=random.choice((0.0, 0.001, 0.05)),
        lease_reads=random.random() < 0.5,
        compact_entries=random.choice((5, 20, 100)),
        retain_bytes=random.choice((0, 0, 500, 1 << 20)),
        chunk_bytes=random.choice((100, 1_000, 100_000)),
        proven_every_s=Random(f"proofs {seed}").choice(_PROVEN_EVERY_S),
        faults=faults or ("crash", "isolate"),
    )


def random_share(random: Random) -> float:
    """Return the share of fault kinds that a seed enables; a draw for each kind, so that some runs have nearly none."""
    return random.choice((0.15, 0.4, 0.4, 0.7))
