"""`./themis demo`: one node, a year of flights in it, and what to try next.

`dataset` reads the CSV files, `entities` makes rows into entities, `node` runs the server process, `load` puts the one
into the other through the SDK, `report` shows what came of it. Invariant: an entity's URN and document depend on its
row alone, so loading twice changes nothing. The demo must not know how the server works inside: it starts it from its
command line and talks to it through themis-python, as a user would.
"""
