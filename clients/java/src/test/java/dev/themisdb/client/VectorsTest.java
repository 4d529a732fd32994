package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.errors.InvalidUrnException;
import dev.themisdb.client.placement.TokenTable;
import dev.themisdb.client.placement.XxHash64;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** spec/vectors, as far as they concern a client: every vector of every operation passes. */
class VectorsTest {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final Path VECTORS = Path.of("..", "..", "spec", "vectors");

  private interface Check {
    void apply(JsonNode vector) throws Exception;
  }

  private static Stream<DynamicTest> load(String rule, Set<String> ops, Check check)
      throws IOException {
    JsonNode file = MAPPER.readTree(VECTORS.resolve(rule + ".json").toFile());
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode vector : file.get("vectors")) {
      if (ops.isEmpty() || ops.contains(vector.get("op").textValue())) {
        tests.add(
            DynamicTest.dynamicTest(vector.get("name").textValue(), () -> check.apply(vector)));
      }
    }
    assertTrue(tests.size() > 10, "there are vectors");
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> urns() throws IOException {
    return load("urn", Set.of(), VectorsTest::checkUrn);
  }

  private static void checkUrn(JsonNode vector) {
    assertEquals("parse", vector.get("op").textValue());
    String text = vector.get("input").get("text").textValue();
    JsonNode refused = vector.get("refused");
    if (refused != null) {
      var error = assertThrows(InvalidUrnException.class, () -> Urn.parse(text));
      assertEquals(refused.get("reason").textValue(), error.reason().value());
      assertEquals(refused.get("position").intValue(), error.position());
      return;
    }
    Urn urn = Urn.parse(text);
    ObjectNode found = MAPPER.createObjectNode().put("model", urn.model());
    found.put("namespace", urn.namespace()).put("collection", urn.collection());
    found.put("uuid", urn.uuid()).put("text", urn.toString()).put("quoted", urn.quoted());
    assertEquals(vector.get("expect"), found);
    assertEquals(urn, Urn.parse(urn.toString()));
    assertEquals(urn, urn.withUuid(urn.uuid().toUpperCase(Locale.ROOT)));
    assertThrows(InvalidUrnException.class, () -> urn.withUuid(urn.uuid() + "0"));
    assertEquals(urn, Urn.of(urn.model(), urn.namespace(), urn.collection(), urn.uuid()));
  }

  @TestFactory
  Stream<DynamicTest> hashes() throws IOException {
    return load("hash", Set.of(), VectorsTest::checkHash);
  }

  private static void checkHash(JsonNode vector) {
    JsonNode input = vector.get("input");
    long hash =
        switch (vector.get("op").textValue()) {
          case "xxh64" -> XxHash64.hash(HexFormat.of().parseHex(input.get("hex").textValue()));
          case "xxh64_text" -> XxHash64.hash(input.get("text").textValue());
          case "key_hash" -> TokenTable.keyHash(input.get("uuid").textValue());
          default -> fail("an operation that this test does not know");
        };
    assertEquals(vector.get("expect").get("hash").textValue(), XxHash64.toHex(hash));
  }

  @TestFactory
  Stream<DynamicTest> rings() throws IOException {
    return load(
        "ring",
        Set.of(),
        vector -> {
          if (vector.has("refused")) {
            assertThrows(IllegalArgumentException.class, () -> ring(vector));
            return;
          }
          JsonNode expected = vector.get("expect");
          ObjectNode found = ring(vector);
          expected
              .properties()
              .forEach(member -> assertEquals(member.getValue(), found.get(member.getKey())));
        });
  }

  private static ObjectNode ring(JsonNode vector) {
    JsonNode input = vector.get("input");
    ObjectNode found = MAPPER.createObjectNode();
    switch (vector.get("op").textValue()) {
      case "ring_tokens" -> {
        String shard = input.get("shard_id").textValue();
        for (long token : TokenTable.ringTokens(shard, input.get("virtual_nodes").intValue())) {
          found.withArray("tokens").add(XxHash64.toHex(token));
        }
      }
      case "token_table" -> describe(built(input), found);
      case "resolve" -> found.set("tokens", wire(table(input)));
      case "locate" -> {
        long hash = Long.parseUnsignedLong(input.get("hash").textValue(), 16);
        found.put("shard_id", table(input).shardForHash(hash));
      }
      case "locate_built" -> {
        String uuid = input.get("uuid").textValue();
        found.put("hash", XxHash64.toHex(TokenTable.keyHash(uuid)));
        found.put("shard_id", built(input).shardForUuid(uuid));
      }
      case "ranges" -> {
        found.putArray("ranges");
        for (var range : table(input).ranges(input.get("shard_id").textValue())) {
          found
              .withArray("ranges")
              .addArray()
              .add(XxHash64.toHex(range.start()))
              .add(XxHash64.toHex(range.end()));
        }
      }
      case "from_wire" -> {
        List<List<String>> pairs = new ArrayList<>();
        input.get("tokens").forEach(pair -> pairs.add(texts(pair)));
        found.put("count", TokenTable.fromWire(pairs).size());
      }
      default -> fail("an operation that this test does not know");
    }
    return found;
  }

  private static void describe(TokenTable table, ObjectNode found) {
    JsonNode tokens = wire(table);
    StringBuilder lines = new StringBuilder();
    tokens.forEach(
        pair -> lines.append(pair.get(0).textValue() + " " + pair.get(1).textValue() + "\n"));
    found.put("count", table.size());
    found.set("first", tokens.get(0));
    found.set("last", tokens.get(tokens.size() - 1));
    found.put("digest", XxHash64.toHex(XxHash64.hash(lines.toString())));
    found.set("tokens", tokens);
  }

  private static JsonNode wire(TokenTable table) {
    var tokens = MAPPER.createArrayNode();
    for (var entry : table.entries()) {
      tokens.addArray().add(XxHash64.toHex(entry.token())).add(entry.shardId());
    }
    return tokens;
  }

  private static TokenTable built(JsonNode input) {
    return TokenTable.build(texts(input.get("shard_ids")), input.get("virtual_nodes").intValue());
  }

  private static TokenTable table(JsonNode input) {
    List<TokenTable.Entry> entries = new ArrayList<>();
    for (JsonNode pair : input.get("tokens")) {
      long token = Long.parseUnsignedLong(pair.get(0).textValue(), 16);
      entries.add(new TokenTable.Entry(token, pair.get(1).textValue()));
    }
    return new TokenTable(entries);
  }

  private static List<String> texts(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::textValue).toList();
  }

  @TestFactory
  Stream<DynamicTest> etags() throws IOException {
    return load(
        "etag",
        Set.of("format", "parse"),
        vector -> {
          JsonNode input = vector.get("input");
          if (vector.get("op").textValue().equals("format")) {
            long version = Long.parseLong(input.get("version").textValue());
            assertEquals(
                vector.get("expect").get("etag").textValue(), VersionMatch.of(version).header());
            return;
          }
          OptionalLong version = VersionMatch.parseTag(input.get("etag").textValue());
          assertEquals(vector.has("expect"), version.isPresent());
          if (version.isPresent()) {
            String expected = vector.get("expect").get("version").textValue();
            assertEquals(expected, String.valueOf(version.getAsLong()));
          }
        });
  }
}
