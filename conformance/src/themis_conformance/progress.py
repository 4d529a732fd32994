"""What a person sees while cases run: one line that moves on a terminal, and each failure as it comes."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self, TextIO

from themis_conformance.outcome import Result, Status

__all__ = ["Progress"]


class Progress:
    """Writes to stderr, so that stdout has the result only.

    Args:
        total: How many results there will be.
        quiet: Only failures.
    """

    def __init__(self, total: int, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._total = total
        self._moving = self._stream.isatty() and not quiet
        self._done = 0
        self._failed = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wipe()
        self._stream.flush()

    def note(self, result: Result) -> None:
        """One result more."""
        self._done += 1
        if result.status is Status.FAILED:
            self._failed += 1
            self._wipe()
            self._stream.write(f"FAILED {result.title}\n")
            for line in (*result.complaints, *result.context):
                self._stream.write("".join(f"    {part}\n" for part in line.splitlines()))
        if self._moving:
            self._wipe()
            self._stream.write(f"{self._done}/{self._total}, {self._failed} failed: {result.title}"[:100])
            self._stream.flush()

    def _wipe(self) -> None:
        if self._moving:
            self._stream.write("\r\x1b[K")
