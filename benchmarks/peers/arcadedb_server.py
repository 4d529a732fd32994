"""The ArcadeDB server: `python arcadedb_server.py PORT FOLDER`, the root password on standard input.

It runs under the interpreter that arcadedb-embedded is installed for, so it imports nothing of this tree.
"""

from __future__ import annotations

import importlib
import signal
import sys


def main(port: int, folder: str) -> None:
    """Serve until SIGTERM."""
    arcadedb = importlib.import_module("arcadedb_embedded")
    told_to_stop = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, told_to_stop)  # before Java starts its threads, which inherit it
    server = arcadedb.create_server(
        root_path=folder,
        root_password=sys.stdin.readline().strip(),
        config={"http_port": port, "host": "127.0.0.1", "mode": "production"},
    )
    server.start()
    signal.sigwait(told_to_stop)
    server.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
