"""The reference server of ThemisDB: one process is one node.

Its packages form layers, and imports go down only::

    main, cli
    api                          the HTTP edge
    gateway                      from a URN to the shard that owns it
    shard                        one replica: proposals and reads
    replication | statemachine   Raft and its log | the deterministic commands
    metadata                     topology and catalogue
    storage                      the engine protocol, the key layout, RocksDB
    observability                logs and metrics
    config, clock, ids, errors

The package itself holds nothing but the version, so that importing it costs nothing.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
