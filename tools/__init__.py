"""The repository's own programs: what `./themis VERB` runs.

Invariant: everything that `./themis` needs before `.venv` exists (this package's own modules and `demo.node`) imports
the standard library only. A verb whose work needs installed packages is a program of its own (`python -m
tools.demo`), started with the tree's interpreter once `bootstrap` has made it.

It must not know how the server or a client works inside: it drives them as a user would.
"""
