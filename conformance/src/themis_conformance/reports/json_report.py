"""All results as JSON, for other programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from themis_conformance import PROTOCOL_VERSION, __version__
from themis_conformance.adapter import Hello
from themis_conformance.outcome import Result

__all__ = ["write_json"]


def write_json(path: Path, results: Sequence[Result], hellos: Mapping[str, Hello]) -> None:
    """Write `{suite, protocol, subjects, results}`."""
    document = {
        "suite": __version__,
        "protocol": PROTOCOL_VERSION,
        "subjects": {name: _subject(hello) for name, hello in hellos.items()},
        "results": [_result(result) for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", "utf-8")


def _subject(hello: Hello) -> dict[str, Any]:
    return {
        "sdk": hello.sdk,
        "version": hello.version,
        "language": hello.language,
        "modes": list(hello.modes),
        "features": sorted(hello.features),
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "subject": result.subject,
        "mode": result.mode,
        "case": result.case_id,
        "layer": result.layer,
        "suite": result.suite,
        "features": sorted(result.features),
        "status": result.status.value,
        "seconds": round(result.seconds, 4),
        "complaints": list(result.complaints),
        "context": list(result.context),
    }
