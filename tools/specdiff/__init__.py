"""Compares two versions of the API and refuses what would break a program written against the older one.

    python -m tools.specdiff OLD NEW          two documents: openapi.yaml with its errors.yaml beside it, or a snapshot
    python -m tools.specdiff                  the newest snapshot of spec/released with spec/openapi.yaml
    python -m tools.specdiff --freeze NAME    write spec/released/NAME.yaml, which must not exist yet

What is refused follows from who reads: a request must stay acceptable (nothing narrower, nothing newly required), an
answer must stay understandable (nothing missing, nothing wider). Members and values of an enumeration added to an
answer, new error codes and new operations are allowed: SDKs are written to ignore or pass on what they do not know.

Invariant: it judges documents only; it knows no language and no server.
"""
