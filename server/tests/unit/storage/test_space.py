from __future__ import annotations

from pathlib import Path

from themis_server.clock import ManualClock
from themis_server.storage.space import DiskSpace


def test_a_disk_is_short_when_less_than_the_reserve_is_free(tmp_path: Path) -> None:
    clock = ManualClock()

    assert not DiskSpace(tmp_path, 1, clock.monotonic_s).short()
    assert DiskSpace(tmp_path, 1 << 62, clock.monotonic_s).short()


def test_the_disk_is_measured_seldom_however_often_it_is_asked_for(tmp_path: Path) -> None:
    clock = ManualClock()
    space = DiskSpace(tmp_path, 1, clock.monotonic_s)
    assert not space.short()

    space.free_bytes = 0  # as a measurement of a full disk would leave it
    assert space.short()

    clock.advance(0.3)
    assert not space.short()
