"""Judges SDKs of ThemisDB, and servers, by one suite of cases.

The package knows neither an SDK nor the server: an SDK is reached through a small program, its *adapter*
(PROTOCOL.md), a server through HTTP. All expectations are in the cases (CASES.md).

    format/      reads the cases, strictly, and says what is wrong with them
    matching/    compares what was seen with what is expected
    scripted/    a small ThemisDB that fails on command and writes down what it was asked
    live/        a real server: asked by raw sockets, filled through its API
    judge/       carries a case out and says how it ended
    reports/     JUnit XML, a matrix in Markdown, JSON
"""

from __future__ import annotations

from typing import Final

__all__ = ["PROTOCOL_VERSION", "__version__"]

__version__ = "0.1.0"

PROTOCOL_VERSION: Final = 1
"""Of the adapter protocol (PROTOCOL.md)."""
