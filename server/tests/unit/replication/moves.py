"""Wishing for other members of a group, and writing to it meanwhile."""

from __future__ import annotations

from server.tests.unit.replication.network import Member, Network, putting
from server.tests.unit.replication.turning import succeeded
from themis_server.replication.group import Busy, NotLeader
from themis_server.replication.membership import Members


def wish(network: Network, members: Members, epoch: int = 1, group: int = 1) -> None:
    """Tell all nodes whom a group shall consist of, as a change of the topology would."""
    for node_id, member in network.members.items():
        if node_id not in network.alive:
            continue
        if group not in member.driver.groups and node_id in members.all:
            member.driver.add_group(member.replica(group))
        member.driver.set_members(group, members, epoch)


def voters(*ids: int, learners: tuple[int, ...] = ()) -> Members:
    """Return members."""
    return Members(frozenset(ids), frozenset(learners))


def has_come_true(network: Network, members: Members, group: int = 1) -> bool:
    """Whether the members are the wished ones and all that run know it."""
    return all(
        group in network[node].driver.groups
        and network[node].driver.views[group].members == members
        and network[node].driver.views[group].settled
        and network[node].driver.views[group].leader
        for node in members.all & network.alive
    )


def write(network: Network, *numbers: int, group: int = 1) -> None:
    """Write entities through whoever leads, again after a refusal, until all are acknowledged."""
    for number in numbers:
        for _ in range(100):
            leader = network.leader(group)
            (handle,) = leader.propose(group, putting(number, b'{"n":%d}' % number))
            network.until(lambda leader=leader, handle=handle: handle in leader.answers)  # type: ignore[misc]
            if succeeded(leader.answers[handle]):
                break
            assert isinstance(leader.answers[handle], NotLeader | Busy)
            network.step()
        else:
            raise AssertionError("nobody takes it")


def held(member: Member, *numbers: int, group: int = 1) -> bool:
    """Whether a node has what `write` wrote."""
    return all(member.document(group, number) == b'{"n":%d}' % number for number in numbers)
