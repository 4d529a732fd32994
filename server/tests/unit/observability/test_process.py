from __future__ import annotations

import gc
import os
import sys
import time

import pytest

from themis_server.observability import catalogue
from themis_server.observability.exposition import render
from themis_server.observability.metrics import Registry
from themis_server.observability.process import GcMonitor, read_process, watch_process

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")


@linux_only
def test_the_figures_are_those_of_this_process() -> None:
    figures = read_process()

    assert figures.cpu_s > 0
    assert figures.rss_bytes is not None
    assert figures.virtual_bytes is not None
    assert 1 << 20 < figures.rss_bytes < figures.virtual_bytes


@linux_only
def test_an_opened_file_counts() -> None:
    before = read_process().open_fds
    read_end, write_end = os.pipe()

    during = read_process().open_fds

    os.close(read_end)
    os.close(write_end)
    assert before is not None
    assert during == before + 2


@linux_only
def test_they_are_read_at_every_scrape() -> None:
    registry = Registry()
    watch_process(registry)

    lines = render(registry, lambda name, failed: None).decode().splitlines()

    figures = dict(line.split() for line in lines if not line.startswith("#"))
    assert int(figures["process_resident_memory_bytes"]) > 1 << 20
    assert int(figures["process_open_fds"]) > 0
    assert time.time() - 3600 * 24 < float(figures["process_start_time_seconds"]) <= time.time()


def test_runs_of_the_garbage_collector_are_counted_while_watched() -> None:
    registry = Registry()
    collections = registry.counter(catalogue.GC_COLLECTIONS)
    pause = registry.histogram(catalogue.GC_PAUSE).labels()
    monitor = GcMonitor(collections, pause)

    monitor.start()
    gc.collect()
    monitor.stop()
    seen = collections.labels("2").value
    gc.collect()
    monitor.stop()

    assert seen >= 1
    assert collections.labels("2").value == seen
    assert pause.snapshot().count >= 1
