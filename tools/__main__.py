"""The entry point behind the `themis` script, which runs this directory: `python tools VERB ...`."""

import sys
from pathlib import Path

# Run as a directory, Python puts tools/ itself first on the path; the package's parent is what is wanted.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from tools.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
