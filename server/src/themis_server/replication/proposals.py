"""The proposals of a group that wait for their entries, in log order.

An entry carries all the proposals that were waiting for a turn, so the price of an entry is shared under load.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from themis_server.replication.outcome import Completion, NotLeader, OutcomeUnknown, Proposal
from themis_server.statemachine.command import Result


@dataclass(frozen=True, slots=True)
class _Waiting:
    index: int
    term: int
    handles: list[object]


class Proposals:
    """Who waits for which entry. It is said of a proposal that nothing happened only when it can never be committed."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(self, first: int, term: int, handles: list[list[object]], leader: int) -> list[Completion]:
        """Note who waits for the entries from `first` on; return the end of those in whose places they stand.

        These are of an earlier time as leader and can never be committed. So what waits is in log order, and a new
        proposal is not looked for behind an old one of a higher index.
        """
        overwritten: list[Completion] = []
        while self._waiting and self._waiting[-1].index >= first:
            overwritten += _ended(self._waiting.pop(), NotLeader(leader))
        self._waiting.extend(_Waiting(first + offset, term, part) for offset, part in enumerate(handles))
        return overwritten

    def applied(self, index: int, term: int, results: Sequence[Result], leader: int) -> list[Completion]:
        """Return the ends that come with the application of the entry at `index`."""
        completions: list[Completion] = []
        while self._waiting and self._waiting[0].index <= index:
            waiting = self._waiting.popleft()
            if waiting.index == index and waiting.term == term:
                completions.extend(map(Completion, waiting.handles, results))
            else:  # another leader's entry stands where ours would have: ours can never be committed
                completions += _ended(waiting, NotLeader(leader))
        return completions

    def jumped(self, index: int) -> list[Completion]:
        """Return the ends of those up to `index`, which a snapshot took the place of: it does not say what became of
        them."""
        unknown = OutcomeUnknown("a snapshot took the place of the log before the write was seen committed")
        completions: list[Completion] = []
        while self._waiting and self._waiting[0].index <= index:
            completions += _ended(self._waiting.popleft(), unknown)
        return completions

    def abandon(self, why: str) -> list[Completion]:
        """Give up on all of them: they may yet take effect."""
        unknown = OutcomeUnknown(why)
        completions = [done for waiting in self._waiting for done in _ended(waiting, unknown)]
        self._waiting.clear()
        return completions


def _ended(waiting: _Waiting, why: Exception) -> list[Completion]:
    return [Completion(handle, why) for handle in waiting.handles]


def parts(proposals: list[Proposal], entry_bytes_max: int) -> list[list[Proposal]]:
    """Split proposals into as few entries as their size allows."""
    found: list[list[Proposal]] = [[]]
    size = 0
    for proposal in proposals:
        size += len(proposal.command)
        if size > entry_bytes_max and found[-1]:
            found.append([])
            size = len(proposal.command)
        found[-1].append(proposal)
    return found
