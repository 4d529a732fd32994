"""What may be done to connections from one source."""

from __future__ import annotations

import random
from typing import Final

import msgspec

EVERYBODY: Final = "*"
"""The source of a rule for all that have none of their own."""

_REPEAT_S: Final = (0.2, 1.0)
"""After how long TCP sends a lost packet again (RFC 6298: at least 1 s, Linux: 0.2 s), roughly."""


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How bytes are passed on; the same both ways.

    Attributes:
        delay_ms: How much later bytes arrive.
        jitter_ms: Up to how much more, drawn for each piece; the order stays.
        loss: The part of pieces that arrive only after they were sent again.
        bytes_per_s: How many bytes pass in a second; 0: any number.
        stalled: Nothing passes, and nobody is told.
        refused: New connections are reset at once.
    """

    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    bytes_per_s: int = 0
    stalled: bool = False
    refused: bool = False

    def wait_s(self, chance: random.Random) -> float:
        """Draw how much later a piece arrives."""
        wait_s = self.delay_ms / 1000
        if self.jitter_ms:
            wait_s += chance.uniform(0.0, self.jitter_ms) / 1000
        if self.loss and chance.random() < self.loss:
            wait_s += chance.uniform(*_REPEAT_S)
        return wait_s


OPEN: Final = Rule()


class Rules:
    """The rules in force, by source address."""

    def __init__(self) -> None:
        self._by_source: dict[str, Rule] = {}

    def set(self, source: str, rule: Rule) -> None:
        """Put a rule in force for a source, or for `EVERYBODY`."""
        self._by_source[source] = rule

    def clear(self) -> None:
        """Let everything through."""
        self._by_source.clear()

    def of(self, source: str) -> Rule:
        """Return the rule for a source."""
        return self._by_source.get(source) or self._by_source.get(EVERYBODY, OPEN)
