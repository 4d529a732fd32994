"""`python -m themis_conformance`."""

from __future__ import annotations

import sys

from themis_conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
