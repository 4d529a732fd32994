"""The registry as Prometheus text, format 0.0.4.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from themis_server.observability.metrics import AnyFamily, Counter, Gauge, Histogram, Registry

__all__ = ["CONTENT_TYPE", "render"]

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_HELP_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n"})
_LABEL_ESCAPES: Final = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


def render(registry: Registry, on_failure: Callable[[str, Exception], None]) -> bytes:
    """Return the body of GET /metrics.

    Args:
        registry: what to show.
        on_failure: called with a name and the exception when a hook or a gauge's function fails. That figure is left
            out and the others are shown: a scrape must work best when a part of the node is ill.
    """
    for hook in registry.hooks():
        try:
            hook()
        except Exception as failed:
            on_failure(getattr(hook, "__qualname__", repr(hook)), failed)
    lines: list[str] = []
    for family in registry.families():
        samples = list(_samples(family, on_failure))
        if samples:
            spec = family.spec
            lines.append(f"# HELP {spec.name} {spec.help.translate(_HELP_ESCAPES)}\n# TYPE {spec.name} {spec.kind}")
            lines += samples
    return ("\n".join(lines) + "\n").encode()


def _samples(family: AnyFamily, on_failure: Callable[[str, Exception], None]) -> Iterator[str]:
    name, labels = family.spec.name, family.spec.labels
    for values, child in family.children():
        pairs = _pairs(labels, values)
        if isinstance(child, Histogram):
            yield from _histogram_samples(name, pairs, child)
            continue
        try:
            value = _current(child)
        except Exception as failed:
            on_failure(name, failed)
        else:
            yield f"{name}{{{pairs}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _current(child: Counter | Gauge) -> float:
    return child.value if isinstance(child, Counter) else child.current()


def _histogram_samples(name: str, pairs: str, child: Histogram) -> Iterator[str]:
    prefix = f"{name}_bucket{{{pairs}," if pairs else f"{name}_bucket{{"
    reached = 0
    for bound, count in zip(child.bounds, child.counts, strict=False):
        reached += count
        yield f'{prefix}le="{_number(bound)}"}} {reached}'
    reached += child.counts[-1]
    yield f'{prefix}le="+Inf"}} {reached}'
    suffix = f"{{{pairs}}}" if pairs else ""
    yield f"{name}_sum{suffix} {_number(child.sum)}"
    yield f"{name}_count{suffix} {reached}"


def _pairs(labels: Sequence[str], values: Sequence[str]) -> str:
    return ",".join(f'{label}="{value.translate(_LABEL_ESCAPES)}"' for label, value in zip(labels, values, strict=True))


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(int(value))  # a flag is a number, too
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)
