"""What ThemisDB is compared to, one file a peer: how it is found, started, filled and asked.

Invariant: a peer listens on the loopback interface only, keeps its data in the scenario's scratch directory, and is
stopped with it. One that is not installed is said to be missing, with how to install it, and nothing is made up.
"""
