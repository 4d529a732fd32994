"""`themis-server metadata write-back`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from themis_server.cli.output import print_text
from themis_server.cli.sources import load_config
from themis_server.config import ConfigError
from themis_server.errors import StartRefusedError

__all__ = ["write_back"]

_REFUSED = 1


def write_back(arguments: argparse.Namespace) -> int:
    """Write what a stopped node knows back to an etcd that was restored; show it only, without --yes."""
    try:
        config = load_config(arguments).config
        from themis_server.node import writeback

        try:
            asyncio.run(
                writeback.write_back(
                    config,
                    arguments.without,
                    really=arguments.yes,
                    say=_say,
                )
            )
        except writeback.WriteBackRefused as refused:
            print(f"themis-server: {refused}", file=sys.stderr)
            return _REFUSED
    except (ConfigError, StartRefusedError) as refused:
        print(f"themis-server: {refused}", file=sys.stderr)
        return _REFUSED
    return 0


def _say(line: str) -> None:
    print_text(line + "\n")
