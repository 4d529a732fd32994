"""`themis-server start`."""

from __future__ import annotations

import argparse
import sys

from themis_server.cli.sources import load_config
from themis_server.config import ConfigError
from themis_server.errors import StartRefusedError

__all__ = ["run"]

_REFUSED = 1


def run(arguments: argparse.Namespace) -> int:
    """Start a node and return its exit code when it has stopped."""
    try:
        config = load_config(arguments).config
        # The node with all its packages takes a while to import; a wrong configuration is told before.
        from themis_server.main import run as run_node

        return run_node(config)
    except (ConfigError, StartRefusedError) as refused:
        print(f"themis-server: the node does not start\n{refused}", file=sys.stderr)
        return _REFUSED
