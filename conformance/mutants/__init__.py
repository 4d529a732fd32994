"""Mutants: faults planted on purpose, to see that the suite catches them.

A suite that has never caught a fault may be one that cannot. Each `*.yaml` here lists faults of one target (an SDK or
the server) as a piece of its source and what replaces it, with the cases that must notice. `tests/` plants each in a
copy of the source, runs those cases, and demands that all of them fail, after the unharmed source has passed them.
`python -m conformance.mutants` shows and refreshes the table in README.md.
"""
