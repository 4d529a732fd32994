package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.errors.EncodingException;
import dev.themisdb.client.errors.TransportException;
import dev.themisdb.client.testing.FakeTransport;
import dev.themisdb.client.testing.Responses;
import dev.themisdb.client.transport.Response;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of documents on their way to JSON and back. */
class DocumentsTest {

  private record Person(String fullName, int age) {}

  private static final String UUID_TEXT = UUID.randomUUID().toString();

  private static FakeTransport answering(String json) {
    return new FakeTransport(
        request ->
            Response.of(200, Map.of("ETag", "\"5\""), json.getBytes(StandardCharsets.UTF_8)));
  }

  private static ThemisClient client(FakeTransport transport) {
    return ThemisClient.builder().endpoints("http://fake").transport(transport).build();
  }

  private static ObjectNode read(String json) {
    try (ThemisClient client = client(answering(json))) {
      return client.get("document", "things", UUID_TEXT).orElseThrow();
    }
  }

  private static String written(Object document) {
    FakeTransport transport = new FakeTransport(r -> Responses.json(201, Map.of("version", 1)));
    try (ThemisClient client = client(transport)) {
      client.put("document", "things", UUID_TEXT, document);
    }
    return new String(transport.requests().get(0).body(), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "9007199254740993",
        "-9223372036854775808",
        "18446744073709551615",
        "0",
        "-1",
        "123456789012345678901234567890"
      })
  void integersKeepAllTheirDigits(String digits) {
    ObjectNode found = read("{\"n\":" + digits + "}");
    assertTrue(found.get("n").isIntegralNumber());
    assertEquals(new BigInteger(digits), found.get("n").bigIntegerValue());
    assertEquals("{\"n\":" + digits + "}", written(found));
    assertEquals("{\"n\":" + digits + "}", written(Map.of("n", new BigInteger(digits))));
  }

  @Test
  void whatJsonCannotExpressIsRefused() {
    for (Object value :
        new Object[] {
          Double.NaN,
          Double.POSITIVE_INFINITY,
          Float.NEGATIVE_INFINITY,
          new double[] {1, Double.NaN},
          List.of(Map.of("x", Double.NaN)),
          JsonNodeFactory.instance.objectNode().put("x", Double.NaN),
          new Object()
        }) {
      assertThrows(EncodingException.class, () -> written(Map.of("a", value)), value.toString());
    }
  }

  @Test
  void aDocumentIsAnObject() {
    for (Object value :
        new Object[] {List.of(), "text", 5, true, JsonNodeFactory.instance.nullNode()}) {
      assertThrows(EncodingException.class, () -> written(value), value.toString());
    }
  }

  @Test
  void aDocumentWithinItselfIsRefused() {
    Map<String, Object> circle = new HashMap<>();
    circle.put("again", circle);
    assertThrows(EncodingException.class, () -> written(circle));
  }

  @Test
  void deepDocumentsPassAndBottomlessOnesAreAnError() {
    assertEquals(1, read("{\"a\":".repeat(500) + "1" + "}".repeat(500)).size());
    assertThrows(
        TransportException.class, () -> read("{\"a\":".repeat(5000) + "1" + "}".repeat(5000)));
  }

  @Test
  void textsPassAsTheyAre() {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("😀 \"\\/", "Grüße, 東京, \u0000, \uDBFF\uDFFF");
    assertEquals(document, read(written(document)));
    assertTrue(written(document).contains("😀"));
    assertEquals("x", read("{\"\\ud83d\\ude00\":\"x\"}").get("😀").textValue());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "[]", "null", "{", "{} {}", "{\"a\":NaN}", "{'a':1}", "{\"a\":01}", "\"x\""})
  void answersThatAreNoDocumentsAreErrors(String json) {
    TransportException error = assertThrows(TransportException.class, () -> read(json));
    assertEquals(TransportException.Kind.PROTOCOL, error.kind());
  }

  @Test
  void objectsGoThroughTheUsersMapper() {
    ObjectMapper mapper =
        JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
    FakeTransport transport =
        new FakeTransport(
            request ->
                request.method().equals("GET")
                    ? Responses.json(200, Map.of("full_name", "Alice", "age", 30))
                    : Responses.json(201, Map.of("version", 1)));
    try (ThemisClient client =
        ThemisClient.builder()
            .endpoints("http://fake")
            .transport(transport)
            .objectMapper(mapper)
            .build()) {
      client.put("document", "people", UUID_TEXT, new Person("Alice", 30));
      assertEquals(
          new Person("Alice", 30),
          client.get("document", "people", UUID_TEXT, Person.class).orElseThrow());
    }
    String body = new String(transport.requests().get(0).body(), StandardCharsets.UTF_8);
    assertEquals("{\"full_name\":\"Alice\",\"age\":30}", body);
  }

  @Test
  void aDocumentThatDoesNotFitItsClassIsAnErrorThatQuotesNothing() {
    try (ThemisClient client = client(answering("{\"fullName\":\"s3cr3t\",\"age\":\"s3cr3t\"}"))) {
      EncodingException error =
          assertThrows(
              EncodingException.class,
              () -> client.get("document", "people", UUID_TEXT, Person.class));
      assertFalse(error.toString().contains("s3cr3t"));
    }
  }

  @Test
  void urnsAreTexts() {
    Urn urn = Urn.of("document", "default", "things", UUID_TEXT);
    assertEquals("{\"about\":\"" + urn + "\"}", written(Map.of("about", urn)));
  }
}
