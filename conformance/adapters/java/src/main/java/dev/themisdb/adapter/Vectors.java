package dev.themisdb.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.Urn;
import dev.themisdb.client.VersionMatch;
import dev.themisdb.client.errors.InvalidUrnException;
import dev.themisdb.client.errors.ThemisException;
import dev.themisdb.client.placement.TokenTable;
import dev.themisdb.client.placement.XxHash64;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.StreamSupport;

/** The functions of themis-java for the rules of spec/vectors. */
final class Vectors {

  private Vectors() {}

  static JsonNode apply(String rule, String op, JsonNode input) {
    ObjectNode found;
    try {
      found = compute(rule + "/" + op, input);
    } catch (InvalidUrnException e) {
      ObjectNode refused = Wire.object().put("reason", e.reason().value());
      return Wire.object().set("refused", refused.put("position", e.position()));
    } catch (ThemisException | IllegalArgumentException e) {
      return Wire.object().set("refused", Wire.object());
    }
    return found == null ? Wire.object().put("absent", true) : Wire.object().set("expect", found);
  }

  private static ObjectNode compute(String what, JsonNode input) {
    return switch (what) {
      case "urn/parse" -> urn(Urn.parse(input.get("text").textValue()));
      case "hash/xxh64" ->
          hash(XxHash64.hash(HexFormat.of().parseHex(input.get("hex").textValue())));
      case "hash/xxh64_text" -> hash(XxHash64.hash(input.get("text").textValue()));
      case "hash/key_hash" -> hash(TokenTable.keyHash(input.get("uuid").textValue()));
      case "ring/ring_tokens" -> ringTokens(input);
      case "ring/token_table" -> tokenTable(built(input));
      case "ring/resolve" -> Wire.object().set("tokens", wire(table(input)));
      case "ring/locate" -> {
        long hash = Long.parseUnsignedLong(input.get("hash").textValue(), 16);
        yield Wire.object().put("shard_id", table(input).shardForHash(hash));
      }
      case "ring/locate_built" -> {
        String uuid = input.get("uuid").textValue();
        yield hash(TokenTable.keyHash(uuid)).put("shard_id", built(input).shardForUuid(uuid));
      }
      case "ring/ranges" -> ranges(table(input), input.get("shard_id").textValue());
      case "ring/from_wire" -> {
        List<List<String>> pairs = new ArrayList<>();
        input.get("tokens").forEach(pair -> pairs.add(texts(pair)));
        yield Wire.object().put("count", TokenTable.fromWire(pairs).size());
      }
      case "etag/format" -> {
        long version = Long.parseLong(input.get("version").textValue());
        yield Wire.object().put("etag", VersionMatch.of(version).header());
      }
      case "etag/parse" -> {
        long version =
            VersionMatch.parseTag(input.get("etag").textValue())
                .orElseThrow(() -> new IllegalArgumentException("no version"));
        yield Wire.object().put("version", String.valueOf(version));
      }
      default -> null;
    };
  }

  private static ObjectNode urn(Urn urn) {
    ObjectNode found = Wire.object().put("model", urn.model()).put("namespace", urn.namespace());
    found.put("collection", urn.collection()).put("uuid", urn.uuid());
    return found.put("text", urn.toString()).put("quoted", urn.quoted());
  }

  private static ObjectNode hash(long hash) {
    return Wire.object().put("hash", XxHash64.toHex(hash));
  }

  private static ObjectNode ringTokens(JsonNode input) {
    ObjectNode found = Wire.object();
    ArrayNode tokens = found.putArray("tokens");
    TokenTable.ringTokens(input.get("shard_id").textValue(), input.get("virtual_nodes").intValue())
        .forEach(token -> tokens.add(XxHash64.toHex(token)));
    return found;
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

  private static ObjectNode tokenTable(TokenTable table) {
    ArrayNode tokens = wire(table);
    StringBuilder lines = new StringBuilder();
    tokens.forEach(
        pair ->
            lines
                .append(pair.get(0).textValue())
                .append(' ')
                .append(pair.get(1).textValue())
                .append('\n'));
    ObjectNode found = Wire.object().put("count", tokens.size());
    found.set("first", tokens.get(0));
    found.set("last", tokens.get(tokens.size() - 1));
    found.put("digest", XxHash64.toHex(XxHash64.hash(lines.toString())));
    found.set("tokens", tokens);
    return found;
  }

  private static ArrayNode wire(TokenTable table) {
    ArrayNode tokens = Wire.MAPPER.createArrayNode();
    table
        .entries()
        .forEach(
            entry -> tokens.addArray().add(XxHash64.toHex(entry.token())).add(entry.shardId()));
    return tokens;
  }

  private static ObjectNode ranges(TokenTable table, String shardId) {
    ObjectNode found = Wire.object();
    ArrayNode ranges = found.putArray("ranges");
    for (TokenTable.Range range : table.ranges(shardId)) {
      String start = XxHash64.toHex(range.start());
      ranges.addArray().add(start).add(XxHash64.toHex(range.end()));
    }
    return found;
  }

  private static List<String> texts(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::textValue).toList();
  }
}
