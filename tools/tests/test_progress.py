"""Steps and bars write whole lines to a file, and redraw one line on a terminal."""

from __future__ import annotations

import io

import pytest

from tools.progress import Bar, Step, seconds


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("value", "text"), [(0.04, "0.0 s"), (12.34, "12.3 s"), (60.0, "1 min 00 s"), (125.4, "2 min 05 s")]
)
def test_seconds_read_well(value: float, text: str) -> None:
    assert seconds(value) == text


def test_a_step_in_a_file_is_two_lines() -> None:
    stream = io.StringIO()

    step = Step("packages", number=2, total=5, stream=stream)
    step.tick("downloading")
    step.done("41 packages")

    begun, ended = stream.getvalue().splitlines()
    assert begun == "[2/5] packages ..."
    assert ended.split() == ["[2/5]", "packages", "done", "0.0", "s", "(41", "packages)"]


def test_a_step_on_a_terminal_redraws_its_line() -> None:
    stream = Terminal()

    step = Step("packages", number=2, total=5, stream=stream)
    step.tick("downloading")
    step.failed()

    assert stream.getvalue().count("\n") == 1
    assert "downloading" in stream.getvalue()
    assert "FAILED" in stream.getvalue()


def test_a_bar_ends_full_with_count_and_rate() -> None:
    stream = io.StringIO()

    bar = Bar("flights", 2000, unit="entities", stream=stream)
    bar.advance(2000)
    took_s = bar.finish()

    (line,) = stream.getvalue().splitlines()
    assert line.startswith("flights    ############################ 100%     2,000 / 2,000 entities")
    assert took_s >= 0


def test_a_bar_on_a_terminal_uses_blocks() -> None:
    stream = Terminal()

    bar = Bar("flights", 4, unit="entities", stream=stream)
    bar.advance(1)
    bar.finish()

    assert "███████░░░" in stream.getvalue()
