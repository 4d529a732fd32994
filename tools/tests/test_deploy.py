"""deploy/: the alerts and the dashboard name metrics and labels that exist, and runbooks that are written."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from themis_server.config.settings import SETTINGS
from themis_server.observability.catalogue import CATALOGUE
from themis_server.observability.metrics import Kind
from tools import dashboard, tree

DEPLOY = tree.ROOT / "deploy"
RULES = DEPLOY / "prometheus" / "themis.rules.yml"
SPECS = {spec.name: spec for spec in CATALOGUE}
OF_PROMETHEUS = {"job", "instance"}
FUNCTIONS = {"rate", "increase", "sum", "min", "max", "histogram_quantile", "predict_linear", "time", "by", "without"}
FUNCTIONS |= {"label_values"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def faults(expression: str) -> Iterator[str]:
    """Name what is wrong with an expression: metrics, suffixes, labels and functions that do not exist, brackets."""
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression.replace("$__rate_interval", "1m"))
    for opening, closing in ("()", "{}", "[]"):
        if plain.count(opening) != plain.count(closing):
            yield f"{opening}{closing} do not match"
    used: set[str] = set()
    for name, selector in re.findall(r"\b((?:themis|process|python)_\w+)\s*(\{[^}]*\})?", plain):
        spec = SPECS.get(name)
        base = SPECS.get(re.sub(r"_(bucket|sum|count)$", "", name))
        if spec is None and (base is None or base.kind is not Kind.HISTOGRAM):
            yield f"there is no metric {name}"
            continue
        if spec is not None and spec.kind is Kind.HISTOGRAM:
            yield f"{name} is a histogram: use _bucket, _sum or _count"
        found = spec or base
        assert found is not None
        labels = set(found.labels) | OF_PROMETHEUS
        used |= labels | ({"le"} if name.endswith("_bucket") else set())
        for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
            if label not in labels:
                yield f"{name} has no label {label}"
    for listed in re.findall(r"\b(?:by|without)\s*\(([^)]*)\)", plain):
        for label in filter(None, (part.strip() for part in listed.split(","))):
            if label not in used:
                yield f"no metric of it has the label {label}"
    for name in re.findall(r"\b([a-z_]+)\s*\(", plain):
        if name not in FUNCTIONS and name not in SPECS:
            yield f"{name}() is not among the functions that are used here"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_exists(rule: dict[str, Any]) -> None:
    expression = rule["expr"].replace('up{job="themis"}', "0")

    assert list(faults(expression)) == []
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("critical", "warning")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_has_a_runbook_that_is_a_heading(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (tree.ROOT / page).read_text(), re.MULTILINE)

    assert anchor in {heading.strip().lower().replace(" ", "-") for heading in headings}


def test_every_alert_of_the_manual_exists_and_no_name_is_used_twice() -> None:
    names = [rule["alert"] for rule in rules()]
    described = re.findall(r"^### (Themis\w+)$", (tree.ROOT / "docs/operate/monitoring.md").read_text(), re.MULTILINE)

    assert len(names) == len(set(names))
    assert sorted(described) == sorted(names)


@pytest.mark.parametrize("expression", dashboard.expressions())
def test_a_panel_asks_for_what_exists(expression: str) -> None:
    assert list(faults(expression.replace("up{", "themis_ready{"))) == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("themis_group == 1", "there is no metric themis_group"),
        ('themis_groups{rolle="leader"}', "no label rolle"),
        ("sum by (operation) (themis_groups)", "label operation"),
        ("themis_log_fsync_seconds > 1", "is a histogram"),
        ("rate(themis_elections_total[5m]", "do not match"),
        ("rat(themis_elections_total[5m])", "is not among the functions"),
    ],
)
def test_the_check_finds_mistakes(expression: str, fault: str) -> None:
    assert fault in "; ".join(faults(expression))


def test_the_dashboard_is_what_grafana_expects() -> None:
    board = json.loads((DEPLOY / "grafana" / "dashboards" / "themis.json").read_text())
    numbers = [panel["id"] for panel in board["panels"]]
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]}

    assert len(numbers) == len(set(numbers)) == len(places)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in board["panels"])
    assert {variable["name"] for variable in board["templating"]["list"]} == {"datasource", "job", "instance"}


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.yml")), ids=lambda path: path.name)
def test_the_files_are_yaml(path: Any) -> None:
    assert isinstance(yaml.safe_load(path.read_text()), dict)


def test_the_containers_are_given_settings_that_exist() -> None:
    compose = yaml.safe_load((DEPLOY / "compose" / "compose.yml").read_text())
    known = {"THEMIS_" + name.replace(".", "_").upper() for name in SETTINGS}
    given = {name for service in compose["services"].values() for name in service.get("environment", ())}

    assert given - {"THEMIS_ENDPOINT"} <= known
    assert {"THEMIS_NODE_ID", "THEMIS_PEER_TLS_CERT"} <= given


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
@pytest.mark.parametrize("check", [("check", "rules", "themis.rules.yml"), ("test", "rules", "themis.test.yml")])
def test_promtool_agrees(check: tuple[str, ...]) -> None:
    done = subprocess.run(
        ["promtool", *check], cwd=RULES.parent, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
