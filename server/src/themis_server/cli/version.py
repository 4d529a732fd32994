"""`themis-server version`."""

from __future__ import annotations

import argparse
import platform

import orjson

from themis_server import __version__
from themis_server.cli.output import print_text

__all__ = ["run"]


def run(arguments: argparse.Namespace) -> int:
    """Print the version of the server, and of what it runs on."""
    facts = {"server": __version__, "python": platform.python_version(), "platform": platform.platform()}
    if arguments.output == "json":
        return print_text(orjson.dumps(facts).decode() + "\n")
    return print_text(f"themis-server {facts['server']} (Python {facts['python']}, {facts['platform']})\n")
