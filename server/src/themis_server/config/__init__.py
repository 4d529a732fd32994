"""The configuration of a node: one documented TOML file, `THEMIS_<SECTION>_<KEY>` variables, flags.

Its one job is to turn those three into one frozen `Config` or to say exactly what is wrong: an unknown name is an error
that suggests the nearest one, a wrong value is an error that says where it stands and what is allowed. What comes out
has been checked, so nobody behind it checks again. It knows no part of the server that reads it.
"""

from themis_server.config.checks import check, warnings
from themis_server.config.errors import ConfigError
from themis_server.config.load import Loaded, load, load_with_origins
from themis_server.config.render import render_reference, render_toml
from themis_server.config.sections import (
    Catalog,
    Cluster,
    Config,
    Http,
    Idempotency,
    Limits,
    Log,
    Metadata,
    Node,
    Peer,
    Raft,
    Shards,
    Storage,
    is_loopback,
)

__all__ = [
    "Catalog",
    "Cluster",
    "Config",
    "ConfigError",
    "Http",
    "Idempotency",
    "Limits",
    "Loaded",
    "Log",
    "Metadata",
    "Node",
    "Peer",
    "Raft",
    "Shards",
    "Storage",
    "check",
    "is_loopback",
    "load",
    "load_with_origins",
    "render_reference",
    "render_toml",
    "warnings",
]
