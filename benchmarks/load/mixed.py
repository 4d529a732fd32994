"""The mixed load: reads at the leaders, reads at followers, and durable writes, at a fixed rate."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.clusters import Cluster
from benchmarks.load import documents, requests
from benchmarks.load.paced import Account, Aim, Plan, Stream
from benchmarks.servers import ServerError
from tools import tree

READ, WRITE, EVENTUAL, BOUNDED = "read", "write", "eventual", "bounded"
_GRACE_S = 60.0
_COMMAND = [str(tree.PYTHON), "-m", "benchmarks.load.paced"]


def streams(cluster: Cluster, folder: Path, keys: Sequence[str], shares: dict[str, float]) -> list[Stream]:
    """Write the requests of the load into files.

    Args:
        cluster: Whose leaders (and, for reads that may lag, followers) are asked.
        folder: Where the files go.
        keys: What is read and written over.
        shares: How much of it is which kind: strong reads and writes at the leaders, lagging reads at the others.
    """
    led = cluster.leaders().by_node(keys)
    made: list[Stream] = []
    for kind, share in shares.items():
        aims = []
        for node in cluster.nodes:
            own = led.get(node.id, [])
            if kind in (EVENTUAL, BOUNDED):
                own = [index for other, indexes in led.items() if other != node.id for index in indexes]
            if own:
                file = requests.write_file(
                    folder / f"{kind}-{node.id}.requests", (_request(kind, keys[index], index) for index in own)
                )
                aims.append(Aim(node.client_host, node.client_port, str(file), len(own)))
        made.append(Stream(kind, share, aims))
    return made


def _request(kind: str, key: str, index: int) -> bytes:
    path = requests.entity_path(key)
    if kind == WRITE:
        return requests.send("PUT", path, documents.document(index))
    return requests.get(path if kind == READ else f"{path}?consistency={kind}")


def run(plan: Plan) -> Account:
    """Send a load; raises `ServerError` if the program fails."""
    with begun(plan) as load:
        return load.ended()


class Begun:
    """A load that is being sent."""

    def __init__(self, process: subprocess.Popen[bytes], plan: Plan) -> None:
        self._process = process
        self._timeout_s = plan.warm_up_s + plan.duration_s + _GRACE_S
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(plan))
        process.stdin.close()
        process.stdin = None

    def ended(self) -> Account:
        """Wait until it is over; returns what became of it."""
        try:
            told, said = self._process.communicate(timeout=self._timeout_s)
        except subprocess.TimeoutExpired as error:
            raise ServerError(f"the load did not end within {self._timeout_s:.0f} s") from error
        if self._process.returncode:
            raise ServerError(f"the load failed:\n{said.decode(errors='replace')[-2000:]}")
        return msgspec.json.decode(told, type=Account)


@contextlib.contextmanager
def begun(plan: Plan) -> Iterator[Begun]:
    """Begin to send a load in a process of its own, which is ended with the block at the latest."""
    pipe = subprocess.PIPE
    with subprocess.Popen(_COMMAND, cwd=tree.ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        try:
            yield Begun(process, plan)
        finally:
            process.kill()
