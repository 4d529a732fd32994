"""The Java emitters: what they write for a small specification, that it compiles and reads JSON, what they refuse."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import sdks
from tools.codegen.ir import Alias, Api, Array, Constraints, Field, FreeMap, Named, Pair, Scalar, Struct, Type
from tools.codegen.java_errors import emit_java_errors
from tools.codegen.java_models import emit_java_models
from tools.codegen.java_operations import emit_java_operations
from tools.codegen.java_text import constant_name, javadoc, listed
from tools.codegen.source import SpecError
from tools.codegen.targets import ROOT, load_spec
from tools.tests.small_api import small_api

GENERATED = ROOT / "clients/java/src/main/java/dev/themisdb/client/generated"

PAINT = """// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A request.
 *
 * @param shade which one
 * @param layersMax how often; {@code 1} without; null if absent
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Paint(Shade shade, @JsonProperty("layers_max") @Nullable Integer layersMax) {
  /**
   * Checks what must be there, and copies the lists.
   *
   * @param shade which one
   * @param layersMax how often; {@code 1} without; null if absent
   */
  public Paint {
    Objects.requireNonNull(shade, "shade");
  }
}
"""

PAINTED = """@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Painted(
    @JsonProperty(value = "shade", required = true) String shade,
    @JsonProperty(value = "before", required = true) @Nullable ObjectNode before,
    @JsonProperty(value = "painted_at", required = true)
        @JsonDeserialize(using = InstantReader.class)
        @JsonSerialize(using = ToStringSerializer.class)
        Instant paintedAt,
    @JsonProperty(value = "spots", required = true) List<List<Long>> spots,
    @Nullable Boolean dry) {
"""

OPERATION = """  /** Paint a wall. */
  PAINT_WALL(
      "paintWall",
      "PUT",
      "/wall/{id}",
      List.of("id"),
      List.of("force"),
      List.of(),
      List.of("application/json"),
      "application/json",
      List.of(200, 201),
      Routing.URN,
      false),
"""

ERROR = """  /**
   * 409: The wall is wet: {@code dry} is {false}.
   *
   * <p>What to do: Wait.
   */
  WALL_WET("wall_wet", 409, "Wall is wet", Retryable.WITH_KEY, false);
"""

PROBE = """
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.themisdb.client.generated.*;

final class Probe {
  public static void main(String[] arguments) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    String options = "{'auto_create_collections':true}";
    String json = "{'name':'n','options':" + options + ",'created_at':'2026-01-02T03:04:05.006Z','x':1}";
    Namespace namespace = mapper.readValue(json.replace('\\'', '"'), Namespace.class);
    System.out.println(namespace.createdAt() + " " + namespace.options().autoCreateCollections());
    System.out.println(mapper.writeValueAsString(namespace));
    System.out.println(mapper.writeValueAsString(new NamespaceCreate("n", null)));
    System.out.println(mapper.writeValueAsString(new CollectionCreate("c", Model.GRAPH, null)));
    for (String wrong : new String[] {"{}", "{'count':1,'shards':null}", "{'count':1}"}) {
      try {
        System.out.println(mapper.readValue(wrong.replace('\\'', '"'), CollectionCount.class));
      } catch (JsonMappingException error) {
        System.out.println("refused");
      }
    }
    System.out.println(Operation.BATCH_PUT.path() + " " + ErrorCode.of("no_leader").orElseThrow().status());
  }
}
"""

PROBED = """2026-01-02T03:04:05.006Z true
{"name":"n","options":{"auto_create_collections":true},"created_at":"2026-01-02T03:04:05.006Z"}
{"name":"n"}
{"name":"c","model":"graph"}
refused
refused
refused
/batch/put 503
"""


def test_a_record_is_as_in_the_book() -> None:
    files = emit_java_models(small_api())
    assert files["Paint.java"] == PAINT
    assert PAINTED in files["Painted.java"]
    assert sorted(files) == ["InstantReader.java", "Paint.java", "Painted.java", "Shade.java", "package-info.java"]


def test_a_record_with_a_secret_keeps_it_out_of_its_text() -> None:
    fields = (
        Field("name", Scalar("string"), required=True, nullable=False, description="x"),
        Field("key", Scalar("string"), required=True, nullable=False, description="x", secret=True),
    )
    api = dataclasses.replace(small_api(), structs=(Struct("Made", "Made.", fields, is_request=False),))
    assert '    return "Made[name="\n        + name\n        + ", key=...]";\n' in emit_java_models(api)["Made.java"]


def test_operations_name_what_an_sdk_needs() -> None:
    text = emit_java_operations(small_api())
    assert OPERATION in text
    assert 'API_VERSION = "1.2";' in text


def test_errors_are_constants() -> None:
    assert ERROR in emit_java_errors(small_api())


def test_of_two_members_exactly_one_is_asked_for() -> None:
    fields = tuple(Field(name, Scalar("string"), required=False, nullable=False, description="x") for name in "ab")
    api = dataclasses.replace(
        small_api(), structs=(Struct("Odd", "Odd.", fields, is_request=True, exactly_one_of=("a", "b")),)
    )
    assert "    if ((a == null) == (b == null)) {\n" in emit_java_models(api)["Odd.java"]
    three = dataclasses.replace(api.structs[0], exactly_one_of=("a", "b", "c"))
    with pytest.raises(SpecError, match="exactly one of two"):
        emit_java_models(dataclasses.replace(api, structs=(three,)))


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("Short.", "/** Short. */"),
        ("A */ in it, an @tag, a <b> & c.", "/** A *&#47; in it, an &#64;tag, a &lt;b&gt; &amp; c. */"),
        ("Code `a < {b}`.", "/** Code {@code a < {b}}. */"),
        ("Code `{`.", "/** Code <code>&#123;</code>. */"),
    ],
)
def test_comments_cannot_act(text: str, comment: str) -> None:
    assert javadoc(text) == comment


def test_lists_are_broken_as_google_java_format_breaks_them() -> None:
    assert listed("a(", ["b", "c"], ")", "") == "a(b, c)"
    assert listed("a" * 90 + "(", ["b" * 10, "c"], ")", "") == "a" * 90 + "(\n    bbbbbbbbbb, c)"
    assert listed("a(", ["b" * 60, "c" * 60], ");", "  ") == f"  a(\n      {'b' * 60},\n      {'c' * 60});"
    annotated = f"@A(value = 1) @B @Nullable {'T' * 70} name"
    assert (
        listed("a(", [annotated], ")", "") == f"a(\n    @A(value = 1)\n        @B\n        @Nullable {'T' * 70} name)"
    )
    with pytest.raises(SpecError, match="does not fit"):
        listed("a(", ["b" * 100], ")", "")


@pytest.mark.parametrize(
    ("name", "constant"), [("getEntity", "GET_ENTITY"), ("wall_wet", "WALL_WET"), ("metrics", "METRICS")]
)
def test_constants(name: str, constant: str) -> None:
    assert constant_name(name, "here") == constant


def with_type(kind: Type, *, name: str = "x", is_request: bool = True) -> Api:
    field = Field(name, kind, required=True, nullable=False, description="x")
    return dataclasses.replace(small_api(), structs=(Struct("Odd", "Odd.", (field,), is_request=is_request),))


def named(name: str) -> Api:
    return dataclasses.replace(small_api(), structs=(Struct(name, "Odd.", (), is_request=True),))


@pytest.mark.parametrize(
    "api",
    [
        with_type(Scalar("string"), name="camelCase"),
        with_type(Scalar("string"), name="class"),
        with_type(Scalar("string"), name="hash_code"),
        with_type(Pair((Scalar("string"), Scalar("integer")))),
        with_type(Scalar("string", Constraints(enum=("a", "b")))),
        named("Record"),
        named("Operation"),
        dataclasses.replace(small_api(), aliases=(Alias("Odd", "x", Scalar("string")),)),
        dataclasses.replace(small_api(), aliases=(Alias("Odd", "x", Scalar("string", Constraints(enum=("a b",)))),)),
    ],
)
def test_what_java_cannot_say_is_refused(api: Api) -> None:
    with pytest.raises(SpecError):
        emit_java_models(api)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (FreeMap(), "ObjectNode"),
        (Array(FreeMap()), "List<ObjectNode>"),
        (Array(Array(Scalar("integer"))), "List<List<Long>>"),
        (Scalar("integer", bits=32), "int"),
        (Scalar("number"), "double"),
        (Named("Shade"), "Shade"),
        (Pair((Named("Paint"), Named("Paint"))), "List<Paint>"),
    ],
)
def test_types(kind: Type, written: str) -> None:
    assert f"record Odd({written} x) {{" in emit_java_models(with_type(kind))["Odd.java"]


def test_every_operation_and_code_of_the_specification_is_there() -> None:
    api = load_spec().api
    operations = (GENERATED / "Operation.java").read_text(encoding="utf-8")
    errors = (GENERATED / "ErrorCode.java").read_text(encoding="utf-8")
    for operation in api.operations:
        assert f'"{operation.operation_id}"' in operations
    for entry in api.answered_errors:
        assert f'\n  {entry.code.upper()}("{entry.code}", {entry.status}, ' in errors.replace("(\n      ", "(")


def class_path() -> str:
    """Jackson and JSpecify, as the SDK's own build has them."""
    libraries = sdks.java_libraries()
    if not libraries:
        pytest.skip("themis-java is not built: ./themis test sdk-java builds it")
    return os.pathsep.join(map(str, libraries))


def java(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: this needs a JDK 17")
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)


SOURCES = sorted(str(path) for path in GENERATED.glob("*.java"))


def test_it_compiles_with_every_warning_on_and_reads_json(tmp_path: Path) -> None:
    classes, jars = str(tmp_path / "classes"), class_path()
    options = ["--release", "17", "-Xlint:all", "-Werror", "-d", classes, "-cp"]
    done = java("javac", *options, jars, *SOURCES)
    assert done.returncode == 0, done.stderr
    probe = tmp_path / "Probe.java"
    probe.write_text(PROBE, encoding="utf-8")
    both = os.pathsep.join([classes, jars])
    compiled = java("javac", *options, both, str(probe))
    assert compiled.returncode == 0, compiled.stderr
    ran = java("java", "-cp", both, "Probe")
    assert ran.stdout == PROBED, ran.stderr


def test_its_comments_are_complete(tmp_path: Path) -> None:
    done = java("javadoc", "-quiet", "-Xdoclint:all", "-Werror", "-d", str(tmp_path), "-cp", class_path(), *SOURCES)
    assert done.returncode == 0, done.stderr[-2000:]
