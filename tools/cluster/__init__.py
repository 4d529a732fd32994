"""A cluster of real nodes on this machine: what `./themis cluster` does, and what tests and benchmarks stand on.

    state.py     the state file of a cluster: which nodes, where, which processes
    process.py   one process: spawned, found again, signalled, waited for
    etcd.py      the etcd beside a cluster that keeps its metadata there
    forming.py   certificates, the first node, the others joining it, until every shard has all its replicas
    report.py    the table of `status`
    acting.py    one thing done for a program, answered in JSON

Invariant: a process is only signalled while it is the one that was started (its pid and its start time agree).
"""
