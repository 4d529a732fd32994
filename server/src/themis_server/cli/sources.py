"""From parsed flags to a loaded configuration."""

from __future__ import annotations

import argparse
import os

from themis_server.config import Loaded, load_with_origins

__all__ = ["load_config"]

_SHORTCUT: str = "set "


def load_config(arguments: argparse.Namespace) -> Loaded:
    """Load what the flags, the environment and the file say; a short flag and `--set` of the same setting: --set wins.

    Raises ConfigError.
    """
    overrides = {
        name.removeprefix(_SHORTCUT): text
        for name, text in vars(arguments).items()
        if name.startswith(_SHORTCUT) and text is not None
    }
    overrides.update(arguments.overrides)
    return load_with_origins(arguments.config, os.environ, overrides)
