"""The timeline as a picture: operations per second, faults as bands, who led each shard. SVG, written by hand.

Above: what was answered in each part of a second, in blue (conditions that did not hold in a paler one); above it in
orange what was refused, in red what is unknown, never drawn too low to be seen. Below: a lane a shard, coloured by its
leader.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from robustness.history import NEVER, Operation
from robustness.timeline import Timeline

_WIDTH: Final = 1400
_LEFT, _RIGHT, _TOP = 70, 20, 60
_CHART_HEIGHT: Final = 260
_LANE_HEIGHT: Final = 13
_SECOND: Final = 1_000_000_000
_COLOURS: Final = {"ok": "#4c78a8", "conflict": "#9ecae9", "refused": "#f58518", "unknown": "#d62728"}
_RARE: Final = frozenset({"refused", "unknown"})
_LOWEST: Final = 3.0
_LEADERS: Final = ("#1b9e77", "#7570b3", "#e7298a", "#66a61e", "#e6ab02", "#a6761d", "#1f78b4", "#b15928", "#6a3d9a")
_NOBODY: Final = "#dddddd"
_BAND: Final = "#f3d9d9"
_HEALING: Final = "#f3efd9"


class _Canvas:
    """Collects elements, and knows where a time is."""

    def __init__(self, begun: int, ended: int) -> None:
        self.begun = begun
        self.span = max(ended - begun, 1)
        self.elements: list[str] = []

    def x(self, at: int) -> float:
        at = min(max(at, self.begun), self.begun + self.span)
        return _LEFT + (at - self.begun) / self.span * (_WIDTH - _LEFT - _RIGHT)

    def box(self, left: int, right: int, top: float, height: float, fill: str, title: str = "") -> None:
        start, end = self.x(left), self.x(right)
        inside = f"<title>{escape(title)}</title>" if title else ""
        self.elements.append(
            f'<rect x="{start:.1f}" y="{top:.1f}" width="{max(end - start, 0.6):.1f}" height="{max(height, 0):.1f}" '
            f'fill="{fill}">{inside}</rect>'
        )

    def text(self, x: float, y: float, words: str, more: str = "") -> None:
        self.elements.append(f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>')


def draw(timeline: Timeline, history: Sequence[Operation]) -> str:
    """Return the picture as an SVG document."""
    ends = [each.completed for each in history if each.completed != NEVER]
    ends += [each.invoked for each in history] + [band.ended for band in timeline.bands]
    canvas = _Canvas(timeline.begun, max(ends, default=timeline.begun + _SECOND))
    changes = timeline.changes()
    bottom = _TOP + _CHART_HEIGHT
    _bands(canvas, timeline, bottom + 30 + _LANE_HEIGHT * len(changes))
    _columns(canvas, history, bottom)
    _axis(canvas, bottom)
    nodes = sorted({leader for lane in changes.values() for _, leader in lane if leader is not None})
    colours = {node: _LEADERS[number % len(_LEADERS)] for number, node in enumerate(nodes)}
    _lanes(canvas, changes, colours, bottom + 30)
    height = bottom + 30 + _LANE_HEIGHT * len(changes) + 50
    _legend(canvas, colours, height - 18)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}" '
        'font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>\n'
        + "\n".join(canvas.elements)
        + "\n</svg>\n"
    )


def _bands(canvas: _Canvas, timeline: Timeline, bottom: float) -> None:
    for number, band in enumerate(timeline.bands):
        notes = "; ".join(note for note in band.notes if note)
        canvas.box(band.begun, band.healed, _TOP, bottom - _TOP, _BAND, f"{band.name}: {notes}")
        canvas.box(band.healed, band.ended, _TOP, bottom - _TOP, _HEALING, f"{band.name}: taken back")
        canvas.text(canvas.x(band.begun), 16 + 13 * (number % 3), band.name, 'fill="#8c2d04"')


def _columns(canvas: _Canvas, history: Sequence[Operation], bottom: float) -> None:
    part = _SECOND if canvas.span > 90 * _SECOND else _SECOND // 4
    parts = canvas.span // part + 1
    counts = {name: [0] * parts for name in _COLOURS}
    for each in history:
        at = each.invoked if each.completed == NEVER else each.completed
        counts[each.standing][min(max((at - canvas.begun) // part, 0), parts - 1)] += 1
    highest = max(max(sum(counts[name][place] for name in _COLOURS) for place in range(parts)), 1)
    for place in range(parts):
        top = bottom
        left = canvas.begun + place * part
        for name, colour in _COLOURS.items():
            count = counts[name][place]
            height = count * _CHART_HEIGHT / highest
            if count and name in _RARE:
                height = max(height, _LOWEST)
            if count:
                title = f"{place * part / _SECOND:g} s: {count} {name}"
                canvas.box(left, left + part - part // 10, top - height, height, colour, title)
            top -= height
    for share in (0.5, 1.0):
        y = bottom - share * _CHART_HEIGHT
        canvas.text(_LEFT - 6, y + 4, f"{share * highest * _SECOND / part:,.0f}/s", 'text-anchor="end" fill="#555"')
        canvas.elements.append(f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#ccc"/>')


def _axis(canvas: _Canvas, bottom: float) -> None:
    seconds = canvas.span / _SECOND
    step = next(
        step for step in (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 7200) if seconds / step <= 16 or step == 7200
    )
    for mark in range(0, int(seconds) + 1, step):
        x = canvas.x(canvas.begun + mark * _SECOND)
        canvas.elements.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 4}" stroke="#555"/>')
        canvas.text(x, bottom + 16, f"{mark} s", 'text-anchor="middle" fill="#555"')


def _lanes(
    canvas: _Canvas, changes: dict[str, list[tuple[int, str | None]]], colours: dict[str, str], top: float
) -> None:
    end = canvas.begun + canvas.span
    for number, (shard, lane) in enumerate(sorted(changes.items())):
        y = top + number * _LANE_HEIGHT
        canvas.text(_LEFT - 6, y + 10, shard, 'text-anchor="end" fill="#555" font-size="9"')
        for place, (at, leader) in enumerate(lane):
            until = lane[place + 1][0] if place + 1 < len(lane) else end
            canvas.box(at, until, y, _LANE_HEIGHT - 2, colours.get(leader or "", _NOBODY), f"{shard}: {leader}")


def _legend(canvas: _Canvas, colours: dict[str, str], y: float) -> None:
    x = float(_LEFT)
    entries = [*_COLOURS.items(), *((f"{node} leads", colour) for node, colour in colours.items()), ("nobody", _NOBODY)]
    entries += [("fault", _BAND), ("taken back, settling", _HEALING)]
    for name, colour in entries:
        canvas.elements.append(f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="12" height="12" fill="{colour}"/>')
        canvas.text(x + 16, y, name, 'fill="#333"')
        x += 34 + 6.2 * len(name)
