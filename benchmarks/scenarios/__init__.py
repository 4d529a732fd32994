"""What is measured, one file a scenario: a function from a `Bench` to its figures.

Invariant: a scenario leaves nothing behind, no process and no file, and says the same about the same server.
"""
