"""The command `themis-server`: what an operator types, turned into a `Config` and one call.

Its one job is argv in, exit code out: 0 clean, 1 the node did not start or a file was refused (plain lines on standard
error), 2 wrong usage. It holds no behaviour of the node and imports the node only when it is to start, so that `--help`
and `config check` answer at once.
"""

from themis_server.cli.parser import main

__all__ = ["main"]
