"""How fast ThemisDB is, measured: `./themis bench`, or `python -m benchmarks`.

One job: run each scenario against a real server process, compare within the same run, and write figures with the facts
of the machine into results/. Invariant: a figure that has a bar is a ratio or a rate per CPU-second of the *server's*
processes, taken in several rounds that alternate with what it is compared to; the load generator's CPU is never
counted. It must not know how the server works inside: it starts it, and speaks HTTP or the SDK, as a user would.
"""
