"""A small ThemisDB that fails on command: real sockets, entities in a dictionary, faults by script.

It speaks HTTP by hand, because what it must get wrong (half a body, a connection closed after the commit) no HTTP
server offers. Several nodes share the data: any of them answers any request, as a cluster that forwards does. What it
was asked is in its wire log.

    cluster.py      the nodes: listen, stop, start again
    exchange.py     one connection: requests in, answers or faults out
    service.py      one request: token, limits, idempotency, then the handler of its operation
    entities.py batches.py catalogue.py cluster_info.py     the 28 operations
    store.py        what is in it
"""

from themis_conformance.scripted.cluster import ScriptedCluster
from themis_conformance.scripted.wirelog import Seen, WireLog

__all__ = ["ScriptedCluster", "Seen", "WireLog"]
