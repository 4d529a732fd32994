from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from themis_server.observability.log import LogHandler


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Give a place for logs, and put the process' logging back as it was afterwards."""
    root, own = logging.getLogger(), logging.getLogger("themis_server")
    levels = root.level, own.level
    yield io.StringIO()
    for handler in [handler for handler in root.handlers if isinstance(handler, LogHandler)]:
        root.removeHandler(handler)
    root.setLevel(levels[0])
    own.setLevel(levels[1])
    logging.captureWarnings(False)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = True
