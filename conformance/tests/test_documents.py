"""The written form of cases names everything that the reader of cases takes, and the other way round."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from themis_conformance.adapter import FEATURES
from themis_conformance.format import options, steps, wire
from themis_conformance.makers import MAKER_KEYS
from themis_conformance.matching import MATCHERS
from themis_conformance.model import CALL_FEATURES
from themis_conformance.plan import Action, FaultMatch, FaultPlan, Limits, ServerPlan

ROOT = Path(__file__).parents[1]
CASES = (ROOT / "CASES.md").read_text("utf-8")
PROTOCOL = (ROOT / "PROTOCOL.md").read_text("utf-8")

NAMES = {
    *MATCHERS,
    *MAKER_KEYS,
    *steps._READERS,
    *steps._SERVER_VERBS,
    *wire._REQUEST_KEYS,
    *(name for name in FaultPlan.__dataclass_fields__ if name != "action"),
    *(name for name in FaultMatch.__dataclass_fields__ if name not in ("operations", "headers")),
    *Action.__dataclass_fields__,
    *Limits.__dataclass_fields__,
    *ServerPlan.__dataclass_fields__,
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_the_form_of_cases_names_it(name: str) -> None:
    assert re.search(rf"(?<![\w$]){re.escape(name)}(?!\w)", CASES)


@pytest.mark.parametrize("name", sorted({*options._OPTIONS, *FEATURES, *CALL_FEATURES}))
def test_the_protocol_names_it(name: str) -> None:
    assert f"`{name}`" in PROTOCOL


def test_the_example_of_a_file_is_well_formed(tmp_path: Path) -> None:
    from themis_conformance.format import load_library

    scenario, protocol = re.findall(r"```yaml\n(.*?)```", CASES, re.DOTALL)
    for layer, text in (("scenarios", scenario), ("protocol", f"suite: retries\nabout: x\ncases:\n{protocol}")):
        (tmp_path / layer).mkdir()
        (tmp_path / layer / "retries.yaml").write_text(text)
    library = load_library(tmp_path, tmp_path)
    assert [str(mistake) for mistake in library.mistakes] == []
    assert len(library.cases) == 3
