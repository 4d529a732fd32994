"""A vector: one function of an SDK, applied to one input."""

from __future__ import annotations

from themis_conformance.adapter import Adapter
from themis_conformance.judge.reply import value_of
from themis_conformance.matching import mismatches, subset_mismatches
from themis_conformance.matching.match import shown
from themis_conformance.model import VectorCase
from themis_conformance.outcome import CaseFailed

__all__ = ["run_vector"]


async def run_vector(case: VectorCase, adapter: Adapter) -> bool:
    """Returns whether the SDK has a function for it; raises CaseFailed or AdapterBroken."""
    reply = await adapter.ask("vector", rule=case.rule, op=case.op, input=case.given)
    value = value_of(reply, "vector")
    if not isinstance(value, dict):
        raise CaseFailed(f"the value is no object: {shown(value)}")
    if value == {"absent": True}:
        return False
    wanted, told = ("refused", case.refused) if case.refused is not None else ("expect", case.expect)
    if set(value) != {wanted}:
        raise CaseFailed(f"the value is {shown(value)}; expected {shown({wanted: told})}")
    if case.refused is not None:
        complaints = subset_mismatches(case.refused, value["refused"], "refused")
    elif isinstance(case.expect, dict):
        # A vector may leave out what is too long to be written down.
        complaints = subset_mismatches(case.expect, value["expect"], "expect")
    else:
        complaints = mismatches(case.expect, value["expect"], "expect")
    if complaints:
        raise CaseFailed(*complaints)
    return True
