"""Which node shall hold which replica and who should lead: planned from what the nodes report.

Its one job: from a topology and the reports, say the next topology and which leaders should move. Invariant: no step
takes away the majority of a group, and a shard has one change under way at a time. Must not know: clocks, sockets,
stores; it computes, and `coordinator` carries out.
"""

from themis_server.metadata.placer.plan import Plan, plan
from themis_server.metadata.placer.survey import Observed, Settings

__all__ = ["Observed", "Plan", "Settings", "plan"]
