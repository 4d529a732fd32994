"""A real node on an empty directory and a free port, for as long as something has to talk to one."""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools import tree
from tools.demo import node


@contextlib.contextmanager
def running(purpose: str) -> Iterator[str]:
    """Run a node; its log is .cache/log/PURPOSE-node.log, its data is gone afterwards.

    Yields:
        The URL it answers at.

    Raises:
        NodeError: It does not start.
    """
    tree.CACHE.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{purpose}-", dir=tree.CACHE))
    try:
        with socket.socket() as probe:
            probe.bind((node.HOST, 0))
            port = probe.getsockname()[1]
        with node.running(folder / "data", port, tree.LOGS / f"{purpose}-node.log"):
            yield f"http://{node.HOST}:{port}"
    finally:
        shutil.rmtree(folder)
