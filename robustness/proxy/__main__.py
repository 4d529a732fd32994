"""`python -m robustness.proxy`: forward until ended by a signal."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from robustness.proxy.server import serve


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main() -> None:
    """Read the flags and forward."""
    parser = argparse.ArgumentParser(prog="python -m robustness.proxy", description=__doc__)
    parser.add_argument("--listen", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--target", type=_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--control", type=Path, required=True, metavar="PATH", help="Unix socket for commands")
    options = parser.parse_args()
    asyncio.run(serve(options.listen, options.target, options.control))


if __name__ == "__main__":
    main()
