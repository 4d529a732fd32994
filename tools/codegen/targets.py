"""What is generated, and where to: the one list of all generated files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tools.codegen.bundle import bundle
from tools.codegen.docs_errors import emit_errors_page
from tools.codegen.docs_http import emit_http_page
from tools.codegen.errors import load_errors
from tools.codegen.honesty import check_honesty
from tools.codegen.ir import Api
from tools.codegen.java_errors import emit_java_errors
from tools.codegen.java_models import emit_java_models
from tools.codegen.java_operations import emit_java_operations
from tools.codegen.operations import read_api
from tools.codegen.python_errors import emit_errors
from tools.codegen.python_models import Side, emit_models
from tools.codegen.python_operations import emit_operations
from tools.codegen.python_text import docstring, format_python
from tools.codegen.source import load_yaml
from tools.codegen.typescript_errors import emit_typescript_errors
from tools.codegen.typescript_models import emit_typescript_models
from tools.codegen.typescript_operations import emit_typescript_operations

__all__ = ["ROOT", "SPEC", "Spec", "generate", "load_spec"]

ROOT: Final = Path(__file__).resolve().parents[2]
SPEC: Final = ROOT / "spec"

_PYTHON: Final[tuple[tuple[Side, str], ...]] = (
    ("server", "server/src/themis_server/_generated"),
    ("client", "clients/python/src/themis/_generated"),
)
_TYPESCRIPT: Final = "clients/javascript/src/_generated"
_JAVA: Final = "clients/java/src/main/java/dev/themisdb/client/generated"
_DOOR: Final = docstring(
    "Generated from spec/ by `python -m tools.codegen`: do not edit.",
    "models: the bodies. operations: the table of operations. errors: the error codes. Import the modules, not this "
    "package; it knows nothing, so that importing one of them costs no more than that one.",
)


@dataclass(frozen=True, slots=True)
class Spec:
    """The specification, read and checked: as the bundled document and as the intermediate representation."""

    document: dict[str, Any]
    api: Api


def load_spec(directory: Path = SPEC) -> Spec:
    """Read, bundle and check openapi.yaml and errors.yaml of `directory`; raises `SpecError`."""
    errors = load_errors(directory / "errors.yaml")
    document = bundle(load_yaml(directory / "openapi.yaml"), errors)
    check_honesty(document)
    return Spec(document, read_api(document, errors))


def generate(spec: Spec) -> dict[str, str]:
    """Return every generated file: its path in the tree, and its text."""
    api = spec.api
    files: dict[str, str] = {}
    for side, folder in _PYTHON:
        files[f"{folder}/__init__.py"] = format_python(_DOOR, "__init__.py")
        files[f"{folder}/models.py"] = emit_models(api, side)
        files[f"{folder}/operations.py"] = emit_operations(api)
        files[f"{folder}/errors.py"] = emit_errors(api, side)
    files["server/src/themis_server/_generated/openapi.json"] = (
        json.dumps(spec.document, ensure_ascii=False, separators=(",", ":")) + "\n"
    )
    files[f"{_TYPESCRIPT}/models.ts"] = emit_typescript_models(api)
    files[f"{_TYPESCRIPT}/operations.ts"] = emit_typescript_operations(api)
    files[f"{_TYPESCRIPT}/errors.ts"] = emit_typescript_errors(api)
    for name, text in emit_java_models(api).items():
        files[f"{_JAVA}/{name}"] = text
    files[f"{_JAVA}/Operation.java"] = emit_java_operations(api)
    files[f"{_JAVA}/ErrorCode.java"] = emit_java_errors(api)
    files["docs/reference/errors.md"] = emit_errors_page(api)
    files["docs/reference/http-api.md"] = emit_http_page(api)
    return files
