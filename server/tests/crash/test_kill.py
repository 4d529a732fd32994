"""kill -9 at any moment under load, and start again: nothing acknowledged is lost, nothing is there by half."""

from __future__ import annotations

import random
import shutil
import threading

import pytest

from server.tests.crash.ledger import check
from server.tests.crash.load import Load, read_all
from server.tests.process import Fleet, Node

_WRITERS = 6
_ENTITIES_MAX = 25_000
"""Beyond so many, the collection is dropped and everybody begins anew: every check reads all of it."""


def _verify(node: Node, load: Load) -> None:
    stored, counted = read_all(node)
    verdict = check(load.ledgers, stored, counted)
    assert verdict.clean, f"lost: {verdict.lost[:5]}\nwrong: {verdict.wrong[:5]}"
    wrong = load.repeat_doubtful(node, stored)
    assert not wrong, wrong[:5]
    if counted > _ENTITIES_MAX:
        load.drop_all(node)


@pytest.mark.timeout(3600)
def test_kill_9_under_load_loses_nothing(fleet: Fleet, request: pytest.FixtureRequest) -> None:
    kills = int(request.config.getoption("--kills"))
    seed = int(request.config.getoption("--fuzz-seed"))
    chance = random.Random(seed)
    # Small buffers and short logs: flushes and log compaction are to be caught in the act as well.
    settings = {"raft.log_compact_entries": 300, "storage.write_buffer_bytes": 1 << 20, "shards.count": 4}
    node = fleet.start(settings=settings)
    load = Load(_WRITERS, seed)
    in_doubt = 0
    for _ in range(kills):
        load.start(node)
        timer = threading.Timer(chance.uniform(0.1, 1.6), node.kill)
        timer.start()
        timer.join()
        load.finish()
        in_doubt += sum(len(ledger.doubts) for ledger in load.ledgers)
        if chance.random() < 0.3:  # a crash while it recovers
            node.spawn()
            threading.Event().wait(chance.uniform(0.0, 0.5))
            node.kill()
        node.start()
        _verify(node, load)
    node.restart()
    _verify(node, load)
    print(f"\ncrash: {kills} kills, {load.acknowledged} writes acknowledged, {in_doubt} in doubt, 0 lost (seed {seed})")
    assert load.acknowledged > kills * 50, "too little load to mean anything"
    assert in_doubt > 0, "no kill hit a request: void"
    assert node.stop() == 0


def test_the_checker_finds_what_an_older_copy_of_the_directory_lacks(fleet: Fleet) -> None:
    """The plant: a directory that is whole, and lacks what was acknowledged last, as if a sync had been a lie."""
    node = fleet.start()
    load = Load(2, 1)
    _write_for(load, node, 0.3)
    node.kill()
    older = fleet.directory / "older"
    shutil.copytree(node.data, older)
    node.start()
    load.repeat_doubtful(node, read_all(node)[0])
    _write_for(load, node, 0.3)
    node.kill()
    shutil.rmtree(node.data)
    older.rename(node.data)
    node.start()
    verdict = check(load.ledgers, *read_all(node))
    assert verdict.lost, verdict


def _write_for(load: Load, node: Node, seconds: float) -> None:
    load.start(node)
    threading.Event().wait(seconds)
    load.finish()
