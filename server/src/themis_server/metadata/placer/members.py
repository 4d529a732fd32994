"""The members of group 0, the metadata: every node has it, a few vote."""

from __future__ import annotations

from typing import Final

from themis_server.metadata.placer.draft import Draft
from themis_server.metadata.placer.survey import voters_of
from themis_server.metadata.topology import ReplicaPlace
from themis_server.statemachine.meta import GROUP

_ENOUGH: Final = 3
"""So many voters lose one without harm."""


def members(draft: Draft) -> None:
    """Draft the next members: an odd number of voters spread over racks, all other nodes learners; a step at a time.

    Voters stay voters as long as their nodes stay. One on a node that is to be left, or has been away for too long,
    gives its vote to another node where there is one. Where there is none, who is to be left gives it up if three
    others have one. A node that is no longer in the topology is no member.
    """
    survey = draft.survey
    topology = survey.topology
    if not topology.metadata or not survey.group_settled(GROUP, topology.metadata_since):
        return
    voters = [node_id for node_id in voters_of(topology.metadata) if node_id in survey.nodes]
    staying = [n for n in voters if survey.nodes[n].state != "leaving" and not survey.to_be_replaced(n)]
    going = [node_id for node_id in voters if node_id not in staying]
    spare = sum(node.node_id not in voters for node in survey.targets)
    going.sort(key=lambda node_id: survey.nodes[node_id].state == "leaving")  # the others may come back
    returning = sum(survey.nodes[node_id].state != "leaving" for node_id in going)
    most = survey.settings.voters_max
    least = _odd(min(_ENOUGH, most, len(staying) + spare + len(going)))
    wanted = max(_odd(min(most, len(staying) + spare + returning)), least)
    if len(staying) + spare < wanted:
        staying += going[: wanted - len(staying) - spare]  # nobody can take over from these yet
    chosen = _separated(draft, _chosen(draft, staying, wanted))
    places = tuple(
        ReplicaPlace(node.node_id, "voter" if node.node_id in chosen else "learner") for node in topology.nodes
    )
    if chosen and set(places) != set(topology.metadata) and survey.safe(voters_of(topology.metadata), chosen):
        draft.metadata = places
        draft.reasons.append(f"metadata: voters {', '.join(sorted(chosen))}")


def _odd(number: int) -> int:
    """Return the greatest odd number up to `number`: with an even one, a further voter helps nobody."""
    return number - 1 if number and number % 2 == 0 else number


def _chosen(draft: Draft, staying: list[str], wanted: int) -> list[str]:
    survey = draft.survey
    leader = survey.leaders[GROUP].node_id
    chosen = list(staying)

    def worth(node_id: str) -> tuple[bool, bool, int, int, str]:
        racks, datacenters = survey.crowding(other for other in chosen if other != node_id)
        return survey.lives(node_id), node_id == leader, racks, datacenters, node_id

    while len(chosen) > wanted:
        chosen.remove(min(chosen, key=worth))
    while len(chosen) < wanted:
        node_id = survey.best(chosen, chosen)
        if node_id is None:
            break
        chosen.append(node_id)
    return chosen


def _separated(draft: Draft, chosen: list[str]) -> list[str]:
    """Exchange one voter that shares a rack, if there is a node in a rack without one."""
    survey = draft.survey
    crowded, _ = survey.crowding(chosen)
    leader = survey.leaders[GROUP].node_id
    for going in sorted(chosen) if crowded else ():
        others = [node_id for node_id in chosen if node_id != going]
        target = survey.best(chosen, others)
        if going != leader and target is not None and survey.crowding([*others, target])[0] < crowded:
            return [*others, target]
    return chosen
