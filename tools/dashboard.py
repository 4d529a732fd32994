"""deploy/grafana/dashboards/themis.json: the dashboard of a cluster, rendered from the table of panels below.

The JSON that Grafana wants is long and says the same thing many times; what a person decides about a panel is a title,
a unit and its expressions. `python -m tools.docgen` writes the file.

Source: the dashboard JSON model, https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

__all__ = ["expressions", "render"]

_WIDTH: Final = 24
_STAT_HEIGHT: Final = 4
_GRAPH_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_ONE: Final = '{job="$job"}'
_NODES: Final = '{job="$job",instance=~"$instance"}'


@dataclass(frozen=True)
class Query:
    """One expression of a panel, and what its lines are called."""

    expression: str
    legend: str = "{{instance}}"


@dataclass(frozen=True)
class Panel:
    """A panel: `unit` is one of Grafana's; of a stat, from `bad` on (upwards) it is red."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    width: int = 8
    bad: float | None = None
    about: str = ""


def _with(labels: str) -> str:
    return f'{{job="$job",instance=~"$instance",{labels}}}'


def _each(metric: str, labels: str = "", legend: str = "{{instance}}") -> tuple[Query, ...]:
    return (Query(metric + (_with(labels) if labels else _NODES), legend),)


def _rate(metric: str, by: Sequence[str] = ("instance",), labels: str = "") -> tuple[Query, ...]:
    selected = metric + (_with(labels) if labels else _NODES)
    legend = " ".join("{{" + label + "}}" for label in by)
    return (Query(f"sum by ({', '.join(by)}) (rate({selected}[$__rate_interval]))", legend),)


def _quantile(metric: str, quantile: float, by: Sequence[str] = ("instance",), labels: str = "") -> Query:
    selected = f"{metric}_bucket" + (_with(labels) if labels else _NODES)
    legend = " ".join("{{" + label + "}}" for label in by) + f" p{quantile * 100:g}"
    grouped = ", ".join((*by, "le"))
    return Query(f"histogram_quantile({quantile:g}, sum by ({grouped}) (rate({selected}[$__rate_interval])))", legend)


def _stat(title: str, expression: str, *, bad: float | None = None, unit: str = "short", legend: str = "") -> Panel:
    return Panel(title, (Query(expression, legend),), unit, "stat", 4, bad)


_ROWS: Final[tuple[tuple[str, tuple[Panel, ...]], ...]] = (
    (
        "Cluster",
        (
            _stat("Nodes that answer", f"sum(up{_ONE})"),
            _stat("Nodes down, as seen", 'max(themis_nodes{job="$job",health="down"})', bad=1),
            _stat("Groups without a leader", f"max(themis_groups_without_leader{_ONE})", bad=1),
            _stat("Groups at risk", f"max(themis_groups_at_risk{_ONE})", bad=1),
            _stat("Groups without majority", f"min(themis_groups_without_majority{_ONE})", bad=1),
            _stat("Metadata refused", f"sum(themis_metadata_refused{_ONE})", bad=1),
            _stat("Shards", f"max(themis_shards{_ONE})"),
            _stat("Topology epoch", f"max(themis_topology_epoch{_ONE})"),
            _stat("Epochs apart", f"max(themis_topology_epoch{_ONE}) - min(themis_topology_epoch{_ONE})", bad=1),
            _stat("Degraded nodes", f"sum(themis_node_degraded{_ONE})", bad=1),
            _stat("Groups being changed", f"sum(themis_groups_unsettled{_ONE})"),
            _stat(
                "First certificate to end",
                f"min(themis_certificate_expires_timestamp_seconds{_ONE}) - time()",
                unit="s",
            ),
        ),
    ),
    (
        "Requests",
        (
            Panel("Requests", _rate("themis_http_requests_total", ("operation",)), "reqps"),
            Panel("Errors by status", _rate("themis_http_requests_total", ("status",), 'status=~"[45].."'), "reqps"),
            Panel(
                "Duration",
                (
                    _quantile("themis_http_request_duration_seconds", 0.5, ("operation",)),
                    _quantile("themis_http_request_duration_seconds", 0.99, ("operation",)),
                ),
                "s",
            ),
            Panel(
                "Sent on to other nodes",
                (
                    *_rate("themis_requests_forwarded_total"),
                    Query(f"sum(rate(themis_request_parts_repeated_total{_NODES}[$__rate_interval]))", "tried again"),
                    Query(f"sum(rate(themis_reads_hedged_total{_NODES}[$__rate_interval]))", "hedged"),
                ),
                "reqps",
            ),
            Panel("In flight", _each("themis_http_requests_in_flight")),
            Panel("Client connections", _each("themis_http_connections")),
        ),
    ),
    (
        "Writes and the log",
        (
            Panel("Sync of the log, p99", (_quantile("themis_log_fsync_seconds", 0.99),), "s"),
            Panel("Entries a sync, p50", (_quantile("themis_log_batch_entries", 0.5),)),
            Panel("Writes waiting", _each("themis_proposals_in_flight")),
            Panel("Applying, p99", (_quantile("themis_apply_seconds", 0.99),), "s"),
            Panel("Log kept", _each("themis_log_retained_bytes"), "bytes"),
            Panel(
                "Committed, not applied",
                (Query(f"max by (instance) (themis_apply_lag_entries{_NODES})", "{{instance}}"),),
            ),
        ),
    ),
    (
        "Replication",
        (
            Panel("Groups led", _each("themis_groups", 'role="leader"')),
            Panel(
                "Replicas here",
                (Query(f"sum by (role) (themis_groups{_NODES})", "{{role}}"),),
            ),
            Panel("Asleep", _each("themis_groups_quiesced")),
            Panel(
                "Lag of the replicas on a node",
                (Query(f"max by (peer) (themis_replication_lag_entries{_ONE})", "{{peer}}"),),
                about="Entries, as the leaders know it.",
            ),
            Panel(
                "Since a replica was proven current",
                _each("themis_replica_proven_age_seconds"),
                "s",
                about="Only reads have it proven: it grows while nobody reads there.",
            ),
            Panel(
                "Elections and changes of leader",
                (
                    Query(f"increase(themis_elections_total{_NODES}[$__rate_interval])", "{{instance}} terms"),
                    Query(f"increase(themis_leader_changes_total{_NODES}[$__rate_interval])", "{{instance}} leaders"),
                ),
            ),
        ),
    ),
    (
        "Between nodes",
        (
            Panel(
                "Peers without a stream",
                (Query(f"themis_peers{_NODES} - themis_peers_connected{_NODES}", "{{instance}}"),),
            ),
            Panel("Bytes out", _rate("themis_peer_bytes_total", ("instance", "lane"), 'direction="out"'), "Bps"),
            Panel("Frames out", _rate("themis_peer_frames_total", ("instance", "lane"), 'direction="out"'), "pps"),
            Panel("Envelopes dropped", _rate("themis_peer_envelopes_dropped_total"), "pps"),
            Panel("Calls that failed", _rate("themis_peer_calls_failed_total", ("instance", "outcome"))),
            Panel(
                "Turned away",
                (
                    *_rate("themis_peer_refusals_total", ("instance", "by", "code")),
                    *_rate("themis_peer_connections_rejected_total", ("instance", "reason")),
                ),
            ),
        ),
    ),
    (
        "Snapshots",
        (
            Panel("Snapshots", _rate("themis_snapshots_total", ("instance", "result"))),
            Panel("Bytes of snapshots", _rate("themis_snapshot_bytes_total", ("instance", "direction")), "Bps"),
            Panel("Being sent, or waiting", _each("themis_snapshots_sending")),
        ),
    ),
    (
        "Machines",
        (
            Panel("CPU", _rate("process_cpu_seconds_total"), "percentunit"),
            Panel("Memory", _each("process_resident_memory_bytes"), "bytes"),
            Panel("Disk free", _each("themis_disk_free_bytes"), "bytes"),
            Panel("Event loop late, p99", (_quantile("themis_event_loop_lag_seconds", 0.99),), "s"),
            Panel(
                "Entity cache hits",
                (
                    Query(
                        f"rate(themis_entity_cache_hits_total{_NODES}[$__rate_interval]) / "
                        f"(rate(themis_entity_cache_hits_total{_NODES}[$__rate_interval]) + "
                        f"rate(themis_entity_cache_misses_total{_NODES}[$__rate_interval]))"
                    ),
                ),
                "percentunit",
            ),
            Panel("Open files", _each("process_open_fds")),
            Panel("Tables on disk", _each("themis_rocksdb_sst_bytes", legend="{{instance}} {{db}}"), "bytes"),
            Panel(
                "Waiting to be compacted",
                _each("themis_rocksdb_pending_compaction_bytes", legend="{{instance}} {{db}}"),
                "bytes",
            ),
            Panel("Pauses of the collector, p99", (_quantile("python_gc_pause_seconds", 0.99),), "s"),
        ),
    ),
)


def expressions() -> tuple[str, ...]:
    """Return every expression of the dashboard, with Grafana's variables in it."""
    return tuple(query.expression for _, panels in _ROWS for panel in panels for query in panel.queries)


def render() -> str:
    """Return the dashboard as Grafana's JSON."""
    dashboard = {
        "uid": "themisdb",
        "title": "ThemisDB",
        "tags": ["themisdb"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": list(_variables())},
        "panels": list(_panels()),
    }
    return json.dumps(dashboard, indent=1) + "\n"


def _variables() -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"}
    for name, query, many in (
        ("job", "label_values(themis_build_info, job)", False),
        ("instance", 'label_values(themis_build_info{job="$job"}, instance)', True),
    ):
        yield {
            "name": name,
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "includeAll": many,
            "multi": many,
            **({"current": {"text": "All", "value": "$__all"}} if many else {}),
        }


def _panels() -> Iterator[dict[str, Any]]:
    number = y = 0
    for title, panels in _ROWS:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1},
        }
        y += 1
        x = 0
        height = _STAT_HEIGHT if panels[0].kind == "stat" else _GRAPH_HEIGHT
        for panel in panels:
            if x + panel.width > _WIDTH:
                x, y = 0, y + height
            number += 1
            yield _panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": height})
            x += panel.width
        y += height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad is not None:
        steps.append({"color": "red", "value": panel.bad})
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        **({"description": panel.about} if panel.about else {}),
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _SOURCE,
                "expr": query.expression,
                "legendFormat": query.legend,
            }
            for place, query in enumerate(panel.queries)
        ],
    }
