"""The replicas that have to change: of nodes that are away or to be left, too few, too many, those that only read."""

from __future__ import annotations

from themis_server.metadata.placer.draft import Draft, moved
from themis_server.metadata.topology import ReplicaPlace, Shard


def cancel(draft: Draft) -> None:
    """Go back where the node came back whose absence was the reason of a change that is still under way."""
    survey = draft.survey
    for shard in draft.moving:
        node = survey.nodes.get(shard.replacing)
        if node is not None and node.state == "up" and survey.lives(node.node_id):
            draft.change(shard, _as_before(draft, shard), f"{node.node_id} is back", free=True)


def redirect(draft: Draft) -> None:
    """Choose another node for a replica whose node went away before it got there."""
    survey = draft.survey
    for shard in draft.moving:
        old = {place.node_id for place in shard.before}
        lost = [p for p in shard.replicas if p.node_id not in old and survey.is_stuck(p.node_id)]
        for place in lost[:1]:
            others = [p for p in shard.replicas if p.node_id != place.node_id]
            target = None
            if place.role == "voter":
                target = survey.best(shard.node_ids | old, [p.node_id for p in others if p.role == "voter"])
            replicas = moved(shard, place.node_id, target) if target else _as_before(draft, shard) or tuple(others)
            draft.change(
                shard, replicas, f"{place.node_id} went away", replacing=shard.replacing if target else "", free=True
            )


def replace_absent(draft: Draft) -> None:
    """Replace the voters of nodes that have been away for too long by spares; the weakest shards first."""
    survey = draft.survey
    waiting = [
        (sum(survey.lives(node_id) for node_id in survey.voters[shard.group]), shard.group, shard, place)
        for shard in draft.settled
        for place in shard.replicas
        if place.role == "voter" and survey.to_be_replaced(place.node_id)
    ]
    for _, _, shard, place in sorted(waiting, key=lambda entry: entry[:2]):
        if draft.moves <= 0:
            return
        target = survey.best(shard.node_ids, shard.voters - {place.node_id})
        if target is not None:
            replicas = moved(shard, place.node_id, target)
            draft.change(shard, replicas, f"{place.node_id} is away, {target} takes over", replacing=place.node_id)


def grow(draft: Draft) -> None:
    """Give shards the number of voters that they shall have, as far as there are nodes; an odd number on the way."""
    survey = draft.survey
    target_count = survey.topology.replicas
    short = [shard for shard in draft.settled if len(survey.voters[shard.group]) < target_count]
    for shard in sorted(short, key=lambda shard: (len(shard.voters), shard.group)):
        if draft.growth <= 0:
            return
        spare = sum(node.node_id not in shard.node_ids for node in survey.targets)
        wanted = min(target_count, len(shard.voters) + spare)
        if wanted < target_count and wanted % 2 == 0:
            wanted -= 1
        added: list[str] = []
        while len(shard.voters) + len(added) < wanted:
            node_id = survey.best([*shard.node_ids, *added], [*shard.voters, *added])
            assert node_id is not None
            added.append(node_id)
        if added:
            places = (*shard.replicas, *(ReplicaPlace(node_id, "voter") for node_id in added))
            draft.change(shard, places, f"more replicas, on {', '.join(added)}", grows=True)


def drain(draft: Draft) -> None:
    """Move replicas off nodes that are to be left, where there is a spare; a leader's last."""
    survey = draft.survey
    leaving = {node.node_id for node in survey.topology.nodes if node.state == "leaving" and survey.lives(node.node_id)}
    if not leaving:
        return
    for shard in draft.settled:
        if draft.moves <= 0:
            return
        for place in shard.replicas:
            if place.node_id not in leaving or place.role != "voter":
                continue
            if survey.leaders[shard.group].node_id == place.node_id and _another_can_lead(draft, shard, leaving):
                continue
            target = survey.best(shard.node_ids, shard.voters - {place.node_id})
            if target is not None:
                replicas = moved(shard, place.node_id, target)
                if draft.change(shard, replicas, f"{place.node_id} is drained, {target} takes over"):
                    break


def shrink(draft: Draft) -> None:
    """Take voters off shards that have more than they shall have: absent ones first, then from crowded, full nodes."""
    survey = draft.survey
    wanted = survey.topology.replicas
    for shard in draft.settled:
        if len(survey.voters[shard.group]) <= wanted:
            continue
        leader = survey.leaders[shard.group].node_id
        keep = sorted(shard.voters)
        while len(keep) > wanted:

            def worth(node_id: str, keep: list[str] = keep, leader: str = leader) -> tuple[bool, bool, int, int, int]:
                others = [other for other in keep if other != node_id]
                racks, datacenters = survey.crowding(others)
                return survey.lives(node_id), node_id == leader, racks, datacenters, -survey.load[node_id]

            keep.remove(min(keep, key=worth))
        places = tuple(place for place in shard.replicas if place.role == "learner" or place.node_id in keep)
        draft.change(shard, places, f"{len(shard.voters)} voters where {wanted} are wanted")


def read_replicas(draft: Draft) -> None:
    """Give every node that only reads a learner of every shard; take learners off nodes that are left or unknown."""
    survey = draft.survey
    readers = {
        node.node_id
        for node in survey.topology.nodes
        if node.kind == "read_replica" and node.state == "up" and survey.lives(node.node_id)
    }
    staying = {node.node_id for node in survey.topology.nodes if node.kind == "read_replica" and node.state == "up"}
    if not readers and not any(place.role == "learner" for shard in draft.settled for place in shard.replicas):
        return
    for shard in draft.settled:
        if draft.growth <= 0:
            return
        kept = tuple(place for place in shard.replicas if place.role == "voter" or place.node_id in staying)
        missing = sorted(readers - {place.node_id for place in kept})
        places = (*kept, *(ReplicaPlace(node_id, "learner") for node_id in missing))
        if places != shard.replicas:
            draft.change(shard, places, "learners for the nodes that only read", grows=True)


def _as_before(draft: Draft, shard: Shard) -> tuple[ReplicaPlace, ...]:
    """Return the replicas before the last change, without nodes that were removed since."""
    return tuple(place for place in shard.before if place.node_id in draft.survey.nodes)


def _another_can_lead(draft: Draft, shard: Shard, leaving: set[str]) -> bool:
    survey = draft.survey
    return shard.group not in survey.leaders[shard.group].lagging and any(
        survey.lives(node_id) and node_id not in leaving for node_id in survey.voters[shard.group]
    )
