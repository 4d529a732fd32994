// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.JsonDeserializer;
import java.io.IOException;
import java.time.Instant;
import java.time.format.DateTimeParseException;

/** Reads a time as RFC 3339 writes it, without Jackson's module for {@code java.time}. */
public final class InstantReader extends JsonDeserializer<Instant> {
  /** Creates one; Jackson does. */
  public InstantReader() {}

  @Override
  public Instant deserialize(JsonParser parser, DeserializationContext context) throws IOException {
    if (!parser.hasToken(JsonToken.VALUE_STRING)) {
      throw context.wrongTokenException(parser, Instant.class, JsonToken.VALUE_STRING, "a time");
    }
    String text = parser.getText();
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException error) {
      throw context.weirdStringException(text, Instant.class, error.getMessage());
    }
  }
}
