"""Snapshots between simulated nodes: the server's own `SnapshotTransfers`, with executors instead of threads.

What the server hands to a thread happens here a little later, in one step, and never after the process has died.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from robustness.simulation.disk import PowerLoss
from themis_server.peer.identity import PeerAddress
from themis_server.replication.snapshot.staging import StagedSnapshot
from themis_server.replication.snapshot.transfer import SnapshotTransfers, TransferLimits
from themis_server.replication.work import Arrived

if TYPE_CHECKING:
    from robustness.simulation.process import Process

_THREAD_US = 300
"""What a step on a thread takes, about."""


class SimulatedExecutor:
    """One thread of a process, in simulated time: its tasks follow one another."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._free_at_us = 0

    def submit(self, call: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Run something soon; the future has its result from then on."""
        process = self._process
        done: Future[Any] = Future()
        duration_us = 1 + process.node.random.randrange(2 * _THREAD_US)
        self._free_at_us = max(self._free_at_us, process.world.now_us) + duration_us

        def run() -> None:
            if process.dead:
                return
            if process.node.paused:
                process.world.after(1000, run)
                return
            if not done.set_running_or_notify_cancel():
                return
            try:
                done.set_result(call(*args))
            except PowerLoss:
                process.power_lost()
            except Exception as error:
                done.set_exception(error)

        process.world.at(self._free_at_us, run)
        return done


def make_transfers(process: Process) -> SnapshotTransfers:
    """Return the snapshot transfers of a process. On its loop."""
    node, plan = process.node, process.world.plan
    limits = TransferLimits(
        chunk_bytes=plan.chunk_bytes, snapshots_max=2, call_timeout_s=0.5, stall_s=3.0, linger_s=2.0, idle_s=6.0
    )

    def deliver(group: int, sender: int, message: bytes, staged: StagedSnapshot) -> None:
        process.world.note(process.id, "received", f"snapshot of g{group} at entry {staged.manifest.index}")
        process.work.snapshots.append(Arrived(group, sender, message, staged))
        process.wake()

    transfers = SnapshotTransfers(
        node.log,
        node.state,
        process.calls,
        lambda raft_id: PeerAddress(f"n{raft_id}", raft_id, "simulated", 1),
        node.clock,
        limits,
        name_prefix=f"{process.id}-{node.lives}",
        sent=lambda group, to, ok: process.on_driver(lambda driver: driver.snapshot_sent(group, to, ok)),
        released=lambda group, name: process.on_driver(lambda driver: driver.snapshot_released(group, name)),
        deliver=deliver,
        wanted=lambda group: group in process.replicas,
    )
    # The server's own are threads of the machine that this runs on.
    for name in ("_reading", "_receiving", "_reclaiming"):
        setattr(transfers, name, SimulatedExecutor(process))
    return transfers
