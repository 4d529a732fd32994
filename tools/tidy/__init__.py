"""Tests of the tree itself: `python -m tools.tidy`, part of `./themis test lint`.

One module is one rule: a function from a `Tree` to the faults it finds. Invariant: a rule reads the files that belong
to the tree (tracked, or new and not ignored) and nothing else, changes nothing, and names file, line and remedy. It
must not know what the code does; that is for lint, types and tests.
"""
