"""Standard output, for the verbs that print."""

from __future__ import annotations

import os
import sys

__all__ = ["print_text"]


def print_text(text: str) -> int:
    """Print `text` and return the exit code 0; a reader that has gone (`| head`) is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more at exit and would complain then.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
