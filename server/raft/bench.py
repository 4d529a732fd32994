"""Measure themis-raft in one process: `python bench.py [--seconds S]`.

Two cases: three replicas of one group that exchange their messages in memory, and a group of one voter. Nothing is
written to disk; the rates are what the core and the binding cost, per entry committed on all replicas.
"""

from __future__ import annotations

import argparse
import time

import themis_raft
from themis_raft import Group

ENTRY_BYTES = 1024
COMPACT_ENTRIES = 10_000


def _group(node_id: int, voters: list[int]) -> Group:
    return Group(
        node_id=node_id, voters=voters, election_ticks=10, heartbeat_ticks=2, election_timeout_ticks=10 + node_id
    )


class Loopback:
    """Replicas of one group that deliver to each other at once and persist by doing nothing."""

    def __init__(self, size: int) -> None:
        """Start `size` voters and elect the first."""
        ids = list(range(1, size + 1))
        self.groups = {node_id: _group(node_id, ids) for node_id in ids}
        self.committed = dict.fromkeys(ids, 0)
        self.leader = self.groups[1]
        self.leader.campaign()
        self.settle()

    def settle(self) -> None:
        """Run the groups that have something to do until none has."""
        waiting = list(self.groups.items())
        while waiting:
            inboxes: dict[int, list[bytes]] = {}
            for node_id, group in waiting:
                if not group.has_ready():
                    continue
                ready = group.ready()
                advanced = group.advance()
                for outbox in (ready.messages, ready.persisted_messages, advanced.messages):
                    for to, message in outbox:
                        if to in inboxes:
                            inboxes[to].append(message)
                        else:
                            inboxes[to] = [message]
                for committed in (ready.committed, advanced.committed):
                    if committed:
                        self._apply(node_id, group, committed)
            waiting = []
            for to, inbox in inboxes.items():
                group = self.groups[to]
                group.step(inbox)
                waiting.append((to, group))

    def _apply(self, node_id: int, group: Group, committed: list[tuple[int, int, int, bytes]]) -> None:
        self.committed[node_id] += len(committed)
        last = committed[-1][0]
        group.applied_to(last)
        if last % COMPACT_ENTRIES < len(committed):
            group.compact(last)


def replicated(batch_entries: int, in_flight: int, seconds: float) -> tuple[float, float]:
    """Entries per second and CPU microseconds per entry; `in_flight` batches are proposed per turn."""
    cluster = Loopback(3)
    batch = [bytes(ENTRY_BYTES)] * batch_entries
    start, start_cpu = time.perf_counter(), time.process_time()
    first = cluster.committed[3]
    while time.perf_counter() - start < seconds:
        for _ in range(in_flight):
            cluster.leader.propose(batch)
        cluster.settle()
    elapsed, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    entries = cluster.committed[3] - first
    return entries / elapsed, cpu / entries * 1e6


def single(batch_entries: int, seconds: float) -> tuple[float, float]:
    """Entries per second and CPU microseconds per entry through propose, ready and advance of a sole voter."""
    group = _group(1, [1])
    group.campaign()
    batch = [bytes(ENTRY_BYTES)] * batch_entries
    entries = 0
    start, start_cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - start < seconds:
        group.propose(batch)
        ready = group.ready()
        committed = group.advance().committed
        entries += len(ready.entries)
        last = committed[-1][0]
        group.applied_to(last)
        if last % COMPACT_ENTRIES < batch_entries:
            group.compact(last)
    elapsed, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    return entries / elapsed, cpu / entries * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each case")
    seconds: float = parser.parse_args().seconds
    print(f"themis-raft {themis_raft.__version__}, entries of {ENTRY_BYTES} B")
    print(f"{'case':<44}{'entries/s':>12}{'us CPU/entry':>14}")
    for batch_entries, in_flight in ((1, 1), (1, 64), (10, 1), (100, 1)):
        rate, cpu = replicated(batch_entries, in_flight, seconds)
        print(f"{f'three replicas, batch {batch_entries}, {in_flight} per turn':<44}{rate:>12,.0f}{cpu:>14.2f}")
    for batch_entries in (1, 8, 64):
        rate, cpu = single(batch_entries, seconds)
        print(f"{f'sole voter, batch {batch_entries}':<44}{rate:>12,.0f}{cpu:>14.2f}")


if __name__ == "__main__":
    main()
