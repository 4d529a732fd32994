"""A real cluster on an empty directory and free ports, for as long as something has to talk to one."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools import tree
from tools.cluster import forming, process, state

_NODES = 3


@contextlib.contextmanager
def running(purpose: str) -> Iterator[Path]:
    """Run three nodes; everything of theirs is gone afterwards.

    Yields:
        The cluster's directory, for `tools.cluster`.

    Raises:
        ClusterError: It does not form.
    """
    tree.CACHE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-cluster-", dir=tree.CACHE))
    directory = folder / "cluster"
    try:
        base = forming.free_base_port(_NODES)
        settings = {"cluster.node_lease_s": "3"}
        forming.form(
            forming.Plan(directory=directory, nodes=_NODES, base_port=base, settings=settings), lambda line: None
        )
        yield directory
    finally:
        if (directory / state.FILE).exists():
            for node in state.load(directory).nodes:
                if process.alive(node):
                    process.send(node, signal.SIGKILL)
                    process.wait_gone(node)
        shutil.rmtree(folder)
