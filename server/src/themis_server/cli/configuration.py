"""`themis-server config check` and `themis-server config print`."""

from __future__ import annotations

import argparse
import os
import sys

from themis_server.cli.output import print_text
from themis_server.cli.sources import load_config
from themis_server.config import Config, ConfigError, load, render_toml, warnings

__all__ = ["check_file", "print_config"]

_REFUSED = 1


def check_file(arguments: argparse.Namespace) -> int:
    """Load a file; print what is wrong with it or that it is fine."""
    try:
        config = load(arguments.file, os.environ, {})
    except ConfigError as refused:
        print(refused, file=sys.stderr)
        return _REFUSED
    for warning in warnings(config):
        print(f"warning: {warning}", file=sys.stderr)
    return print_text(f"{arguments.file}: a node starts with this configuration\n")


def print_config(arguments: argparse.Namespace) -> int:
    """Print the configuration in force, or the defaults."""
    if arguments.defaults:
        return print_text(render_toml(Config()))
    try:
        loaded = load_config(arguments)
    except ConfigError as refused:
        print(refused, file=sys.stderr)
        return _REFUSED
    return print_text(render_toml(loaded.config, loaded.origins))
