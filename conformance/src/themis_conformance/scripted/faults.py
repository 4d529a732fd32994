"""Which request goes wrong: the rules of a cluster, and how far each has come."""

from __future__ import annotations

from typing import Any

from themis_conformance.matching import MISSING, HeaderText, mismatches
from themis_conformance.plan import Action, FaultMatch, FaultPlan
from themis_conformance.scripted.batches import ItemFaults
from themis_conformance.scripted.problems import item_error
from themis_conformance.scripted.wirelog import Seen

__all__ = ["Faults", "item_faults"]


class _Rule:
    """A rule with what is left of it."""

    def __init__(self, plan: FaultPlan) -> None:
        self.plan = plan
        self.skip = plan.skip
        self.times = plan.times

    def applies(self, seen: Seen) -> bool:
        """Whether it is this request's turn; counts it if it matches."""
        if self.times == 0 or not _fits(self.plan.match, seen):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """All rules; the first that applies to a request has it."""

    def __init__(self, plans: tuple[FaultPlan, ...]) -> None:
        self._rules = [_Rule(plan) for plan in plans]

    def add(self, plan: FaultPlan) -> None:
        """One rule more, after the others."""
        self._rules.append(_Rule(plan))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._rules.clear()

    def next_for(self, seen: Seen) -> Action | None:
        """What is to go wrong with a request."""
        for rule in self._rules:
            if rule.applies(seen):
                return rule.plan.action
        return None


def _fits(match: FaultMatch, seen: Seen) -> bool:
    if match.operations and seen.operation not in match.operations:
        return False
    # The topology is loaded when an SDK thinks it right, so that only a rule that names it may count on it.
    if not match.operations and seen.operation == "getTopology":
        return False
    if match.node is not None and match.node != seen.node:
        return False
    if match.urn is not None and match.urn != seen.urn:
        return False
    return all(_header_fits(wanted, seen.headers.get(name)) for name, wanted in match.headers.items())


def _header_fits(wanted: Any, value: str | None) -> bool:
    return not mismatches(wanted, MISSING if value is None else HeaderText(value), "")


def item_faults(planned: dict[int | str, dict[str, Any]], *, with_key: bool) -> ItemFaults:
    """The errors of a batch's items, planned by place or by URN."""

    def of(index: int, urn: str) -> dict[str, Any] | None:
        members = planned.get(index, planned.get(urn))
        if members is None:
            return None
        return item_error(str(members.get("code", "internal")), "scripted", with_key=with_key, members=members)

    return of
