"""Deterministic simulation: the real replication of several nodes in one process, on a seeded clock, network and disk.

Its one job: to run a cluster through faults that a test of real processes meets once in a year, many thousand times,
and to say exactly which promise broke. Invariant: a run is a function of its seed and of the code; nothing here reads
the machine's clock, its random source or the order of a hash. Must not know: sockets, threads, asyncio, HTTP.

    python -m robustness.simulation --seeds 2000 [--from K] [--jobs 2]      many seeds
    python -m robustness.simulation --from K --seeds 1 --trace              one seed, with everything that happened

    plan.py        what a seed decides before it begins: nodes, latencies, which faults there will be
    world.py       the queue of events, and the order in which things happen
    clocks.py      a node's two clocks: one that drifts, one that jumps
    disk.py        an engine that loses what was not synced, at any write
    network.py     messages that are late, lost, doubled, or held up by a partition
    node.py        a machine: disks, clocks, power
    process.py     one life of a node: the real driver, groups, machines, logs and transfers
    loop.py        an asyncio loop in simulated time, for the code of a node's main loop
    rpc.py, transfers.py, agent.py, serving.py
                   calls between nodes; snapshots; what a node does for the topology; what it answers
    clients.py     who writes and reads, retries and remembers what was promised
    faults.py      what goes wrong, and when
    operators.py   nodes that join, replicas that move, and how it must all be in the end
    model.py       what the state machine should do, written a second time and simply
    invariants.py  what must hold after every step, and at the end
    trace.py       what happened, one line each
    run.py         one seed, or many on several processes
    mutants/       faults planted in the server, each of which a few seeds must catch

After "Testing Distributed Systems w/ Deterministic Simulation" (FoundationDB) and TigerBeetle's VOPR; swarm testing
(each seed enables a part of the faults) after Groce et al., ISSTA 2012.
"""
