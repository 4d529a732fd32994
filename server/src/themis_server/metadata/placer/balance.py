"""Replicas moved for balance: out of a rack that two of a shard share, and from full nodes to empty ones.

A move either separates two voters of a shard or brings the numbers of two nodes closer, and never undoes the one for
the other: so balancing ends, and a node that joins costs no more moves than it has replicas in the end.
"""

from __future__ import annotations

from themis_server.metadata.placer.draft import Draft, moved
from themis_server.metadata.topology import Shard


def balance(draft: Draft) -> None:
    """Draft as many moves as may be under way at once; none while a node that is away holds voters."""
    survey = draft.survey
    if draft.moves <= 0 or _voters_are_away(draft):
        return
    # A shard with too few replicas waits for nodes to grow to; moving it about meanwhile helps nobody.
    complete = [shard for shard in draft.settled if len(survey.voters[shard.group]) >= survey.topology.replicas]
    _separate(draft, complete)
    if draft.moves > 0 and len(survey.targets) > 1:
        _level(draft, complete)


def _voters_are_away(draft: Draft) -> bool:
    away = {node_id for node_id in draft.survey.load if not draft.survey.lives(node_id)}
    return bool(away) and any(away & shard.voters for shard in draft.survey.topology.shards)


def _separate(draft: Draft, complete: list[Shard]) -> None:
    survey = draft.survey
    for shard in complete:
        if draft.moves <= 0:
            return
        crowded, _ = survey.crowding(survey.voters[shard.group])
        if not crowded or len(shard.voters) - crowded >= survey.rack_count or not draft.open(shard):
            continue
        # Of those that share a rack, one that does not lead; it goes where it stands alone.
        for source in sorted(shard.voters, key=lambda node_id: (_leads(draft, shard, node_id), -survey.load[node_id])):
            others = shard.voters - {source}
            target = survey.best(shard.node_ids, others)
            if target is None or survey.crowding({*others, target})[0] >= crowded:
                continue
            if draft.change(shard, moved(shard, source, target), f"{source} shares a rack, {target} does not"):
                break


def _level(draft: Draft, complete: list[Shard]) -> None:
    """Move replicas one at a time from whichever node is fullest to the emptiest that may take it."""
    survey = draft.survey
    load = survey.load
    held: dict[str, list[Shard]] = {node.node_id: [] for node in survey.targets}
    for shard in complete:
        for node_id in survey.voters[shard.group]:
            if node_id in held:
                held[node_id].append(shard)
    for source, shards in held.items():
        # Taken from the end: rather a replica that the node does not lead, as moving that one troubles nobody.
        shards.sort(key=lambda shard: (not _leads(draft, shard, source), -shard.group))
    least = min(load[node_id] for node_id in held)
    emptiest = _emptiest(draft)
    while held and draft.moves > 0:
        source = min(held, key=lambda node_id: (-load[node_id], node_id))
        if load[source] - least < 2:
            return
        shards = held[source]
        while shards:
            if _move(draft, shards.pop(), source, emptiest):
                emptiest = _emptiest(draft)
                break
        else:
            del held[source]


def _emptiest(draft: Draft) -> list[str]:
    """Return the node with the least load of each rack, the least of all first."""
    survey = draft.survey
    found: dict[tuple[str, str], str] = {}
    for node in sorted(survey.targets, key=lambda node: (survey.load[node.node_id], node.node_id)):
        found.setdefault(survey.racks[node.node_id], node.node_id)
    return list(found.values())


def _move(draft: Draft, shard: Shard, source: str, targets: list[str]) -> bool:
    """Move a shard's replica from a node to the first of others that has two fewer, unless that crowds a rack."""
    survey = draft.survey
    if not draft.open(shard):
        return False
    others = [survey.racks[node_id] for node_id in survey.voters[shard.group] if node_id != source]
    shared_now = _shares(survey.racks[source], others)
    for target in targets:
        if survey.load[source] - survey.load[target] < 2:
            return False
        if _shares(survey.racks[target], others) > shared_now or target in shard.node_ids:
            continue
        if draft.change(shard, moved(shard, source, target), f"{target} has fewer replicas than {source}"):
            return True
    return False


def _shares(rack: tuple[str, str], others: list[tuple[str, str]]) -> tuple[bool, bool]:
    """Tell whether a rack, and whether a datacenter, is also that of another voter."""
    return rack in others, any(rack[0] == other[0] for other in others)


def _leads(draft: Draft, shard: Shard, node_id: str) -> bool:
    return draft.survey.leaders[shard.group].node_id == node_id
