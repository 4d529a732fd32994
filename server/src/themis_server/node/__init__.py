"""One node: its parts made, connected, started and stopped in the right order.

Its one job: to hand everything what it needs. Nothing below looks anything up, and nothing but this package knows more
than its own part. Must not know: how any of it works.

    life.py         start and stop
    stores.py       directory, databases, caches
    replicating.py  the driver on its thread, snapshots, the way back of what was committed
    hosting.py      which groups are here: what the topology says, made so
    peering.py      the peer port, and who may speak to it
    joining.py      the first start of a node that joins
    knowledge.py    metadata store, topology, catalog, registration, placing
    leaders.py      who leads what
    serving.py      gateway and HTTP edge
    external.py     the metadata in etcd
    observing.py    figures, and gauges.py, cluster_gauges.py, survey.py
    wellness.py     a node that is not fit to lead steps aside
    belonging.py    whether the cluster still has this node
    tasks.py        the end of tasks
"""

from themis_server.node.life import Node

__all__ = ["Node"]
