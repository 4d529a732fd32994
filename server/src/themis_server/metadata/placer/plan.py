"""One plan: what is urgent first, and balance with what is left of the moves that may be under way at once."""

from __future__ import annotations

from typing import NamedTuple

from themis_server.metadata.placer import replicas
from themis_server.metadata.placer.balance import balance
from themis_server.metadata.placer.draft import Draft
from themis_server.metadata.placer.leaders import Transfer, transfers
from themis_server.metadata.placer.members import members
from themis_server.metadata.placer.survey import Observed, Settings, Survey
from themis_server.metadata.topology import Topology


class Plan(NamedTuple):
    """What to do next.

    Args:
        topology: The next topology, one epoch on; None to leave it as it is.
        transfers: Which leaders should move.
        reasons: Why the topology changes, a line a group, for the log.
    """

    topology: Topology | None
    transfers: tuple[Transfer, ...]
    reasons: tuple[str, ...]


def plan(topology: Topology, observed: Observed, now_s: float, settings: Settings) -> Plan:
    """Return the next step towards where every shard has its replicas where they should be. Pure.

    Args:
        topology: The current one.
        observed: What the nodes report, and since when some don't.
        now_s: The clock that the times in `observed` were read from.
        settings: Limits and times.
    """
    survey = Survey(topology, observed, now_s, settings)
    draft = Draft(survey)
    replicas.cancel(draft)
    replicas.redirect(draft)
    replicas.replace_absent(draft)
    replicas.grow(draft)
    replicas.drain(draft)
    replicas.shrink(draft)
    replicas.read_replicas(draft)
    balance(draft)
    members(draft)
    return Plan(draft.topology(), transfers(survey), tuple(draft.reasons))
