"""When a read that another replica could answer as well is worth asking twice.

After the time within which 95 of 100 reads of other nodes are answered: then one read in twenty is asked twice, and the
slowest of them no longer wait for one slow node.

Source: Dean and Barroso, "The Tail at Scale" (2013), hedged requests.
"""

from __future__ import annotations

from typing import Final

_QUANTILE: Final = 0.95
_FIRST_GUESS_S: Final = 0.02
_STEP: Final = 0.05
"""Share of the estimate by which one observation may move it."""


class Hedge:
    """Estimates the 95th percentile of durations, one by one, in constant space.

    Source: the stochastic approximation of a quantile (Robbins and Monro, 1951): up by q after a longer duration, down
    by 1 - q after a shorter one, in steps in proportion to the estimate.
    """

    def __init__(self, *, shortest_s: float = 0.005, longest_s: float = 0.25, enabled: bool = True) -> None:
        """Prepare.

        Args:
            shortest_s: a second request is sent after no less than this.
            longest_s: and after no more than this.
            enabled: False sends none.
        """
        self._shortest_s = shortest_s
        self._longest_s = longest_s
        self._estimate_s = _FIRST_GUESS_S
        self.enabled = enabled

    def observe(self, duration_s: float) -> None:
        """Take the duration of a read that another node answered."""
        share = _QUANTILE if duration_s > self._estimate_s else _QUANTILE - 1
        self._estimate_s = min(max(self._estimate_s * (1 + _STEP * share), 1e-4), 10.0)

    @property
    def delay_s(self) -> float:
        """After how long the second request is sent."""
        return min(max(self._estimate_s, self._shortest_s), self._longest_s)
