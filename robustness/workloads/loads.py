"""The workloads: who does what, in which mixture, until told to stop.

Each is a coroutine of one client. They pause between requests, for the sake of the machine that runs cluster, clients
and checkers all at once, and because a history must stay short; the pause is drawn, so that they do not march in step.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import msgspec

from robustness.checkers.bank import Bank, Transfer
from robustness.workloads import keys
from robustness.workloads.callers import Freshness
from robustness.workloads.client import VALUE, Client

PAUSE_S = 0.02
_ACCOUNTS = 5
_OPENING = 100
_TRANSFERS_MAX = 250
"""A bank's document grows with each transfer; after so many a new one is opened."""


@dataclass
class Shared:
    """What clients of a round share: when to stop, how fast to go, and what they found beside the history."""

    stop: asyncio.Event
    pause_s: float = PAUSE_S
    banks: dict[str, dict[int, Bank]] = field(default_factory=dict)
    """By key and version: the banks that were read."""

    async def rest(self, chance: random.Random) -> None:
        """Wait a while between two requests."""
        await asyncio.sleep(chance.uniform(0.5, 1.5) * self.pause_s)


async def register(client: Client, ring: keys.KeyRing, chance: random.Random, shared: Shared) -> None:
    """Read, write, and compare-and-set a few keys that all clients use."""
    known: dict[str, int] = {}
    while not shared.stop.is_set():
        key = ring.draw()
        action = chance.random()
        if action < 0.45:
            operation, _ = await client.read(key)
        elif action < 0.75 or key not in known:
            operation = await client.write(key)
        else:
            operation = await client.cas(key, known[key])
        if operation.version is not None and (operation.ok or operation.failed_condition):
            known[key] = operation.version
        await shared.rest(chance)


async def inserts(client: Client, fought_over: keys.KeyRing, chance: random.Random, shared: Shared) -> None:
    """Insert keys that must not exist: most of its own, some that other clients want too."""
    while not shared.stop.is_set():
        key = fought_over.draw() if chance.random() < 0.2 else keys.fresh(chance)
        await client.insert(key)
        await shared.rest(chance)


async def bank(client: Client, ring: keys.KeyRing, chance: random.Random, shared: Shared) -> None:
    """Move money between accounts of one bank, by compare-and-set on what was read."""
    opening = Bank((_OPENING,) * _ACCOUNTS, (_OPENING,) * _ACCOUNTS)
    while not shared.stop.is_set():
        key = chance.choice(ring.keys)
        found, document = await client.read(key)
        if not found.ok:
            await shared.rest(chance)
            continue
        if document is None or found.version is None:
            await client.insert(key, msgspec.to_builtins(opening))
            continue
        now = msgspec.convert({name: value for name, value in document.items() if name != VALUE}, Bank)
        shared.banks.setdefault(key, {})[found.version] = now
        if len(now.transfers) >= _TRANSFERS_MAX:
            ring.retire(key)
            continue
        source, target = chance.sample(range(_ACCOUNTS), 2)
        name = client.fresh_value()
        after = now.after(Transfer(name, source, target, chance.randrange(1, 10)))
        await client.cas(key, found.version, msgspec.to_builtins(after), name)
        await shared.rest(chance)


async def session(client: Client, ring: keys.KeyRing, chance: random.Random, shared: Shared) -> None:
    """Write, and read from any replica, carrying the session."""
    loose = Freshness("eventual", session=True)
    bounded = Freshness("bounded", 1000, session=True)
    while not shared.stop.is_set():
        key = ring.draw()
        action = chance.random()
        if action < 0.3:
            await client.write(key, session=True)
        else:
            await client.read(key, loose if action < 0.8 else bounded)
        await shared.rest(chance)


async def bounded(client: Client, ring: keys.KeyRing, chance: random.Random, shared: Shared) -> None:
    """Read from any replica with a bound on its lag."""
    while not shared.stop.is_set():
        max_lag_ms = chance.choice((100, 300, 1000, 5000))
        await client.read(ring.draw(), Freshness("bounded", max_lag_ms))
        await shared.rest(chance)
