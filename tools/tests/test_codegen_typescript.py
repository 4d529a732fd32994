"""The TypeScript emitters: what they write for a small specification, that it compiles, and what they refuse."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

import pytest

from tools.codegen.ir import Alias, Api, Array, Constraints, Field, FreeMap, Named, Pair, Scalar, Struct
from tools.codegen.source import SpecError
from tools.codegen.targets import ROOT, load_spec
from tools.codegen.typescript_errors import emit_typescript_errors
from tools.codegen.typescript_models import emit_typescript_models
from tools.codegen.typescript_operations import emit_typescript_operations
from tools.codegen.typescript_text import array, doc, text_literal
from tools.tests.small_api import small_api

PROJECT = ROOT / "clients/javascript"
GENERATED = PROJECT / "src/_generated"

MODELS = """// The bodies of requests and answers. Generated from spec/ by `python -m tools.codegen`: do not edit.

/** A shade. */
export const Shade = {
  /** `light`. */
  LIGHT: "light",
  /** `dark`. */
  DARK: "dark",
} as const;

/** A shade. */
export type Shade = (typeof Shade)[keyof typeof Shade];

/** Anything. */
export type Document = Record<string, unknown>;

/** A request. */
export interface Paint {
  /** Which one. */
  readonly shade: Shade;

  /** How often; `1` without. */
  readonly layers_max?: number;
}

/** An answer. */
export interface Painted {
  /** Which one. */
  readonly shade: string;

  /** What it was before; null if nothing. */
  readonly before: Document | null;

  /** When. */
  readonly painted_at: string;

  /** Where. */
  readonly spots: readonly (readonly [number, number])[];

  /** Whether it is dry. */
  readonly dry?: boolean | null;
}
"""

OPERATION = """  paintWall: {
    operationId: "paintWall",
    method: "PUT",
    path: "/wall/{id}",
    pathParams: ["id"],
    queryParams: ["force"],
    headerParams: [],
    requestMediaTypes: ["application/json"],
    responseMediaType: "application/json",
    expected: [200, 201],
    routing: "urn",
    idempotent: false,
  },
"""

ERRORS = """export const ErrorCode = {
  /**
   * 409: The wall is wet: `dry` is \\{false\\}.
   *
   * What to do: Wait.
   */
  WALL_WET: "wall_wet",
} as const;
"""


def test_models_are_as_in_the_book() -> None:
    assert emit_typescript_models(small_api()) == MODELS


def test_operations_name_what_an_sdk_needs() -> None:
    text = emit_typescript_operations(small_api())
    assert OPERATION in text
    assert 'export type OperationId =\n  | "paintWall"\n  | "lookAtWall";' in text
    assert 'export const API_VERSION = "1.2";' in text


def test_errors_have_a_constant_and_a_row() -> None:
    text = emit_typescript_errors(small_api())
    assert ERRORS in text
    assert '  wall_wet: {\n    code: "wall_wet",\n    status: 409,\n    title: "Wall is wet",\n' in text
    assert '    retryable: "with_key",\n    itemOnly: false,\n' in text


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("Short.", "/** Short. */"),
        ("A */ in it, an @tag, a {brace}, a <b>.", "/** A *\\/ in it, an \\@tag, a \\{brace\\}, a \\<b\\>. */"),
        ("Code `{a: @b}` stays.", "/** Code `{a: @b}` stays. */"),
    ],
)
def test_comments_cannot_act(text: str, comment: str) -> None:
    assert doc(text) == comment


def test_a_span_of_code_is_not_broken() -> None:
    comment = doc("word " * 13 + "and `a b c d e f g h i j k l`.")
    assert "\n * `a b c d e f g h i j k l`." in comment


@pytest.mark.parametrize(
    ("value", "written"), [("a", '"a"'), ('say "a"', "'say \"a\"'"), ("it's", '"it\'s"'), ("ä\n", '"ä\\n"')]
)
def test_literals_are_quoted_as_prettier_quotes_them(value: str, written: str) -> None:
    assert text_literal(value) == written


def test_an_array_that_would_have_to_be_broken_is_refused() -> None:
    with pytest.raises(SpecError, match="does not fit"):
        array(["a-rather-long-name"] * 5, 0)


def with_field(field: Field) -> Api:
    return dataclasses.replace(small_api(), structs=(Struct("Odd", "Odd.", (field,), is_request=True),))


def named(name: str) -> Api:
    return dataclasses.replace(small_api(), structs=(Struct(name, "Odd.", (), is_request=True),))


@pytest.mark.parametrize(
    "api",
    [
        with_field(Field("camelCase", Scalar("string"), required=True, nullable=False, description="x")),
        with_field(Field("with-hyphen", Scalar("string"), required=True, nullable=False, description="x")),
        named("Record"),
        named("ErrorCode"),
        dataclasses.replace(
            small_api(), aliases=(Alias("Odd", "x", Scalar("string", Constraints(enum=("Not Snake",)))),)
        ),
    ],
)
def test_what_would_not_be_good_typescript_is_refused(api: Api) -> None:
    with pytest.raises(SpecError):
        emit_typescript_models(api)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (FreeMap(), "Record<string, unknown>"),
        (Array(FreeMap()), "readonly Record<string, unknown>[]"),
        (Array(Array(Scalar("string"))), "readonly (readonly string[])[]"),
        (Array(Scalar("string", Constraints(enum=("a", "b")))), 'readonly ("a" | "b")[]'),
        (Pair((Scalar("string"), Named("Paint"))), "readonly [string, Paint]"),
    ],
)
def test_types(kind: FreeMap | Array | Pair, written: str) -> None:
    text = emit_typescript_models(with_field(Field("x", kind, required=True, nullable=False, description="x")))
    assert f"  readonly x: {written};\n" in text


def test_every_operation_and_code_of_the_specification_is_there() -> None:
    api = load_spec().api
    operations = (GENERATED / "operations.ts").read_text(encoding="utf-8")
    errors = (GENERATED / "errors.ts").read_text(encoding="utf-8")
    for operation in api.operations:
        assert f'\n    operationId: "{operation.operation_id}",\n' in operations
    for entry in api.answered_errors:
        assert f'\n  {entry.code.upper()}: "{entry.code}",\n' in errors
        assert f"\n  {entry.code}: {{\n" in errors


def program(name: str) -> str:
    path = PROJECT / "node_modules/.bin" / name
    if not path.exists():
        pytest.skip(f"{name} is not installed: run npm ci in clients/javascript")
    return str(path)


def copied(folder: Path) -> list[str]:
    """The generated modules, copied to where no setting of the SDK's own reaches them."""
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    for path in GENERATED.glob("*.ts"):
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return sorted(str(path) for path in folder.glob("*.ts"))


def test_it_compiles_under_the_strictest_settings(tmp_path: Path) -> None:
    options = ["strict", "exactOptionalPropertyTypes", "verbatimModuleSyntax", "noUncheckedIndexedAccess", "noEmit"]
    options += ["isolatedModules", "noUnusedLocals", "noPropertyAccessFromIndexSignature"]
    command = [program("tsc"), *(f"--{option}" for option in options), "--module", "nodenext", "--target", "es2022"]
    done = subprocess.run([*command, *copied(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("width", [80, 100, 120])
def test_prettier_has_nothing_to_change(width: int, tmp_path: Path) -> None:
    command = [program("prettier"), "--no-config", "--no-editorconfig", f"--print-width={width}", "--check"]
    done = subprocess.run([*command, *copied(tmp_path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
