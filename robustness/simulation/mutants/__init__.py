"""Mutants: faults planted in the replication on purpose, to see that the simulation catches them.

A simulator that has never caught a fault may be one that cannot. `faults.yaml` lists functions of the server, a piece
of the source of each and what replaces it; `planting.py` puts a fault into the running process, and the tests demand
that a bounded number of seeds finds it, after the unharmed code has passed the same seeds.

    python -m robustness.simulation.mutants            which fault was caught by what, after how many seeds
"""
