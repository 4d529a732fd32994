"""The HTTP edge: the only place that knows HTTP, JSON text and status codes.

Its one job: turn bytes from strangers into typed calls, and results or errors into bytes. Invariant: whatever
arrives, the answer is one that spec/openapi.yaml declares; every limit answers a problem that names it. Must not
know: how data is stored or replicated.

    connection.py  one client connection: time-outs, limits on the head, how many per address
    edge.py        the server: from a request to its operation, and the answer's common headers, metrics and log
    routes.py      paths to operations, and the binding of every operation of the spec to its handler
    call.py        what a handler is given
    answer.py      what a handler gives back
    codec.py       documents, ETags, cursors
    problems.py    errors as problem+json
    handlers/      one module a family of operations
"""
