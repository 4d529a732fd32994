"""What tries to break ThemisDB and is too long, or too random, for every test run.

    fuzz/          bytes that no client would send
    simulation/    the replicated core on a simulated clock, network and disk
    chaos.py       `python -m robustness.chaos`: real processes under load while things break

Of the last, each in a room of its own: workloads/ ask and write down (history.py), faults/ break things on a cluster
(cluster.py, network.py, proxy/) and take it back (undo.py), checkers/ judge the history alone, rounds.py puts them
together, report.py and picture.py tell.
"""
