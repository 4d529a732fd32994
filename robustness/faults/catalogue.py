"""All faults by name, and which of them cannot be tried here."""

from __future__ import annotations

from collections.abc import Mapping

from robustness import network
from robustness.cluster import Cluster
from robustness.faults import Fault, Need, clocks, damage, disks, links, partitions, processes


def all_faults() -> dict[str, Fault]:
    """Return new faults, by name, in the order in which they are tried."""
    faults: list[Fault] = [
        processes.Kill("leader"),
        processes.Kill("follower"),
        processes.KillAll(),
        processes.KillAgain(),
        processes.Restart(),
        processes.Pause("leader"),
        processes.Pause("follower"),
        *partitions.partitions(),
        *links.bad_links(),
        links.StalledLeader(),
        links.ResetLinks(),
        *clocks.wrong_clocks(),
        disks.DiskFull(),
        disks.FsyncError(),
        disks.FsyncSlow(),
        damage.TornTail(),
        damage.FlippedBit(),
    ]
    return {fault.name: fault for fault in faults}


def missing(cluster: Cluster) -> Mapping[Need, str]:
    """Return what is not to be had here, and why: needs that are absent from it are met."""
    lacking: dict[Need, str] = {}
    if len(cluster.nodes) < 3:
        lacking[Need.REPLICAS] = f"{len(cluster.nodes)} of 3 nodes"
    reasons = network.missing()
    hosts = {node.host for node in cluster.nodes.values()}
    if len(hosts) < len(cluster.nodes):
        reasons = [*reasons, "an address for each node (cluster up --hosts each)"]
    if reasons:
        lacking[Need.NETWORK] = ", ".join(reasons)
    if len(hosts) < len(cluster.nodes):
        lacking[Need.PROXIES] = "an address for each node (cluster up --hosts each)"
    if not disks.strace_works():
        lacking[Need.STRACE] = "strace (apt install strace), and the right to trace"
    if clocks.library() is None:
        lacking[Need.FAKETIME] = "libfaketime (apt install faketime)"
    if not disks.mounting():
        lacking[Need.MOUNT] = "root"
    if not cluster.disposable:
        lacking[Need.DISPOSABLE] = "a cluster that this program has made itself"
    return lacking
