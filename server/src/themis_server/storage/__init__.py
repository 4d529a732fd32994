"""Bytes in, bytes out: an ordered key-value engine, and the layout of every key in it.

Its one job: keep pairs of byte strings durably and in order, behind the `Engine` protocol.
Invariant: a `WriteBatch` is applied whole or not at all; nothing is durable before `sync()` returned.
Must not know: what a document, a shard or a Raft entry means. Only `rocks` imports rocksdict.
"""
