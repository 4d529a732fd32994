"""A bank in one entity: transfers by compare-and-set; money is neither made nor lost, and no transfer counts twice.

The document holds the balances and the transfers that were made, so that every state can be recomputed from its own
list. A document is judged wherever it is read, which catches a state that was served and taken back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from robustness.checkers import Verdict, verdict
from robustness.history import Operation, by_key

NAME = "bank"


class Transfer(msgspec.Struct, frozen=True):
    """So much from one account to another; `name` is unique in the run."""

    name: str
    source: int
    target: int
    amount: int


class Bank(msgspec.Struct, frozen=True):
    """The document: balances by account, and all transfers in the order in which they were made."""

    opening: tuple[int, ...]
    balances: tuple[int, ...]
    transfers: tuple[Transfer, ...] = ()

    def after(self, transfer: Transfer) -> Bank:
        """Return the bank after one more transfer."""
        balances = list(self.balances)
        balances[transfer.source] -= transfer.amount
        balances[transfer.target] += transfer.amount
        return Bank(self.opening, tuple(balances), (*self.transfers, transfer))


def check(
    operations: Iterable[Operation], banks: Mapping[str, Mapping[int, Bank]], last: Mapping[str, Bank]
) -> Verdict:
    """Judge the transfers.

    Args:
        operations: The history of the cas operations; `argument` is the name of the transfer.
        banks: By key and version, the documents that were read.
        last: By key, the document at the end.

    Rules: in every document the sum is the opening sum and the balances are what its transfers make of the opening, no
    transfer is listed twice; the list of an older version is the beginning of a newer one's; at the end every
    acknowledged transfer is in it and no refused one. `checked` counts acknowledged transfers.
    """
    problems: list[str] = []
    for key in sorted(banks.keys() | last.keys()):
        before: Bank | None = None
        states = sorted(banks.get(key, {}).items())
        for version, bank in [*states, *([(0, last[key])] if key in last else [])]:
            where = f"{key} at version {version}" if version else f"{key} at the end"
            problems += _sound(where, bank)
            if before is not None and bank.transfers[: len(before.transfers)] != before.transfers:
                problems.append(f"{where} lacks transfers that an older version had")
            before = bank
    checked = 0
    for key, history in by_key(each for each in operations if each.kind == "cas").items():
        checked += sum(each.ok for each in history)
        if key in last:
            problems += _against(key, history, last[key])
        elif any(each.ok for each in history):
            problems.append(f"{key} is not there at the end")
    return verdict(NAME, problems, checked)


def _sound(where: str, bank: Bank) -> list[str]:
    problems = []
    if sum(bank.balances) != sum(bank.opening):
        problems.append(f"{where}: the balances sum up to {sum(bank.balances)}, not {sum(bank.opening)}")
    again = list(bank.opening)
    for transfer in bank.transfers:
        again[transfer.source] -= transfer.amount
        again[transfer.target] += transfer.amount
    if tuple(again) != bank.balances:
        problems.append(f"{where}: the balances are {bank.balances}; its transfers make {tuple(again)}")
    twice = [name for name, count in Counter(each.name for each in bank.transfers).items() if count > 1]
    problems += [f"{where}: transfer {name} was made more than once" for name in twice]
    return problems


def _against(key: str, history: Sequence[Operation], last: Bank) -> list[str]:
    made = {transfer.name for transfer in last.transfers}
    problems = [
        f"{key}: transfer {each.argument} was acknowledged at version {each.version}, and is lost"
        for each in history
        if each.ok and each.argument not in made
    ]
    by_outcome = {
        outcome: {each.argument for each in history if each.outcome == outcome} for outcome in ("ok", "unknown")
    }
    allowed = by_outcome["ok"] | by_outcome["unknown"]
    problems += [f"{key}: transfer {name} was refused, and was made" for name in sorted(made - allowed)]
    return problems
