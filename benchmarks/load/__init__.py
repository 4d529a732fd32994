"""The load: documents, prepared requests, and wrk, which sends them.

Invariant: everything is prepared before the clock starts, and is the same for both sides of a comparison.
"""
