"""What clients do while things break, and how each of their requests ended.

Invariant: a workload writes down every request that it sends, with the outcome that the answer proves, and nothing
else; it judges nothing. A client has one request under way at a time. Keys are fresh in every round, so that a history
stays short enough to be decided.
"""
