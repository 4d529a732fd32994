"""Scripted clusters for themis-raft, after the manner of etcd-raft's testdata.

`datadriven` reads, checks and rewrites script files; `cluster` holds replicas, their disks and a network in memory;
`commands` gives each script command its meaning and its output. Everything is deterministic: no clock, no randomness.
"""
