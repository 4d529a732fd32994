"""Which leaders should move: off nodes that are to be left, and from those that lead many to those that lead few."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from themis_server.metadata.placer.survey import Survey
from themis_server.metadata.topology import NodeReport, Shard


class Transfer(NamedTuple):
    """A suggestion: the leader of a group should hand over to another node."""

    group: int
    source: str
    target: str


def transfers(survey: Survey) -> tuple[Transfer, ...]:
    """Return which leaders should move now, a few at a time.

    A group is left alone while its members change, while one of its voters lags, and for a while after it was asked
    before. Who takes over votes, lives, is healthy and is not to be left.
    """
    led = Counter({node.node_id: 0 for node in survey.targets})
    free: list[tuple[Shard, NodeReport]] = []
    for shard in survey.topology.shards:
        report = survey.leaders.get(shard.group)
        if report is None:
            continue
        # Reports come a moment later: who was asked to take over counts as if it had, or the next plan would ask more.
        led[survey.asked(shard.group) or report.node_id] += 1
        if _movable(survey, shard, report):
            free.append((shard, report))
    suggested: list[Transfer] = []
    _leave(survey, free, led, suggested)
    _level(survey, free, led, suggested)
    return tuple(suggested)


def _movable(survey: Survey, shard: Shard, report: NodeReport) -> bool:
    return survey.settled(shard) and shard.group not in report.lagging and survey.asked(shard.group) is None


def _leave(survey: Survey, free: list[tuple[Shard, NodeReport]], led: Counter[str], suggested: list[Transfer]) -> None:
    """Move leaders off nodes that are to be left."""
    for shard, report in free:
        if len(suggested) >= survey.settings.transfers_max:
            return
        if survey.nodes[report.node_id].state == "leaving":
            target = _successor(survey, shard, report.node_id, led)
            if target is not None:
                _suggest(shard, report.node_id, target, led, suggested)


def _level(survey: Survey, free: list[tuple[Shard, NodeReport]], led: Counter[str], suggested: list[Transfer]) -> None:
    """Move leaders from nodes that lead many shards to voters of the same shards that lead at least two fewer."""
    by_node: dict[str, list[Shard]] = {}
    taken = {transfer.group for transfer in suggested}
    for shard, report in free:
        if shard.group not in taken:
            by_node.setdefault(report.node_id, []).append(shard)
    for source in sorted(by_node, key=lambda node_id: (-led[node_id], node_id)):
        if led[source] - min(led.values()) < 2:
            return
        # Where the difference is greatest first, so that few moves make much of it.
        for shard in sorted(by_node[source], key=lambda shard: _least_led(survey, shard, source, led)):
            if len(suggested) >= survey.settings.transfers_max:
                return
            target = _successor(survey, shard, source, led)
            if target is not None and led[source] - led[target] >= 2:
                _suggest(shard, source, target, led, suggested)


def _least_led(survey: Survey, shard: Shard, source: str, led: Counter[str]) -> tuple[int, int]:
    target = _successor(survey, shard, source, led)
    return (1 << 30 if target is None else led[target], shard.group)


def _successor(survey: Survey, shard: Shard, source: str, led: Counter[str]) -> str | None:
    able = [
        node_id
        for node_id in survey.voters[shard.group]
        if node_id != source and node_id in survey.nodes and survey.takes_voters(survey.nodes[node_id])
    ]
    return min(able, key=lambda node_id: (led[node_id], node_id), default=None)


def _suggest(shard: Shard, source: str, target: str, led: Counter[str], suggested: list[Transfer]) -> None:
    led[source] -= 1
    led[target] += 1
    suggested.append(Transfer(shard.group, source, target))
