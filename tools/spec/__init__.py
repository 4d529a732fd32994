"""Lints the specification: `python -m tools.spec`.

Three judges, in this order: our own rules (every operation has examples, every example fits its schema, every error
answer is a problem), openapi-spec-validator, and Redocly where Node is there; where it is not, that is said loudly.

`python -m tools.spec --server URL` asks a running node every operation with its examples, and judges the answers.

Invariant: a rule that cannot fail is no rule; tools/tests/test_spec.py plants a fault for each.
"""
