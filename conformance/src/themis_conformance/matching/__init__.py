"""Compares what was seen with what is expected.

Equality is exact: a number is no text, 1 is not true, and a member that is not expected is a mismatch. An object whose
members all begin with `$$` is no value but a matcher. The package knows nothing of cases, adapters or HTTP.
"""

from themis_conformance.matching.match import MISSING, HeaderText, mismatches, subset_mismatches
from themis_conformance.matching.matchers import MATCHERS, check_expectation, is_matcher
from themis_conformance.matching.tidy import tidy

__all__ = [
    "MATCHERS",
    "MISSING",
    "HeaderText",
    "check_expectation",
    "is_matcher",
    "mismatches",
    "subset_mismatches",
    "tidy",
]
