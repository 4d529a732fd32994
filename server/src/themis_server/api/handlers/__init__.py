"""The operations of the spec, one module a family.

Each class offers `handlers()`: operationId -> coroutine function. A handler reads its call, asks the gateway, and
writes an answer; it decides nothing that another edge (a command line, a binary protocol) would have to decide again.
"""
