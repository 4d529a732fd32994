package dev.themisdb.client.core;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import dev.themisdb.client.Urn;
import dev.themisdb.client.errors.EncodingException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Documents to JSON and back.
 *
 * <p>Jackson does the work; what it lets pass silently is refused here: NaN and infinities, which
 * it would write as texts, and documents that are no objects. Integers keep all their digits.
 */
public final class Json {

  // Trees and answers are always read in the same way, whatever the user's own mapper is like.
  private static final JsonMapper EXACT =
      JsonMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .build();
  private static final ObjectReader READER = EXACT.reader();

  // By default characters beyond U+FFFF are written as two escapes: twelve bytes instead of four.
  private static final JsonFactory GENERATORS =
      JsonFactory.builder().enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8).build();

  private final ObjectMapper mapper;

  /**
   * A codec.
   *
   * @param mapper makes JSON of the user's objects, and the other way round
   */
  public Json(ObjectMapper mapper) {
    this.mapper = mapper;
  }

  /**
   * What is used unless the user brings one.
   *
   * @return a mapper that knows URNs
   */
  public static ObjectMapper defaultMapper() {
    SimpleModule urns = new SimpleModule("themis");
    urns.addSerializer(Urn.class, ToStringSerializer.instance);
    return JsonMapper.builder().addModule(urns).build();
  }

  /** The JSON of a document: a tree, a map, or an object of the user's. */
  byte[] encodeDocument(Object document) {
    byte[] encoded = encode(document);
    if (encoded.length == 0 || encoded[0] != '{') {
      String kind = document.getClass().getSimpleName();
      throw new EncodingException("a document is a JSON object, not a " + kind, null);
    }
    return encoded;
  }

  /** The JSON of a request body of the API. */
  static byte[] encodeModel(Object model) {
    try {
      return EXACT.writeValueAsBytes(model);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a request cannot be encoded", e);
    }
  }

  /** An object of JSON; throws IOException with where it is none, and nothing of what is there. */
  static ObjectNode decodeObject(byte[] body) throws IOException {
    JsonNode tree = read(body, JsonNode.class);
    if (!(tree instanceof ObjectNode object)) {
      throw new IOException("it is no object");
    }
    return object;
  }

  /** An answer of the API; throws IOException. */
  static <T> T decodeModel(byte[] body, Class<T> type) throws IOException {
    T found = read(body, type);
    if (found == null) {
      throw new IOException("it is null");
    }
    return found;
  }

  /** A document as an object of the user's. */
  <T> T convert(ObjectNode document, Class<T> type) {
    try {
      T found = mapper.treeToValue(document, type);
      if (found != null) {
        return found;
      }
      throw new EncodingException("the document cannot be read as a " + type.getName(), null);
    } catch (JsonProcessingException | IllegalArgumentException e) {
      // Jackson's message quotes what it stumbled over, and documents stay out of errors.
      String kind = e.getClass().getSimpleName();
      throw new EncodingException(
          "the document cannot be read as a " + type.getName() + " (" + kind + ")", null);
    }
  }

  private static <T> @Nullable T read(byte[] body, Class<T> type) throws IOException {
    try {
      return READER.readValue(body, type);
    } catch (JsonProcessingException first) {
      // Jackson 2.21 cannot read names with escaped surrogates (an emoji, say) from bytes; from
      // characters it can.
      try {
        String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
        return READER.readValue(text, type);
      } catch (JsonProcessingException | CharacterCodingException second) {
        throw malformed(first);
      }
    }
  }

  private byte[] encode(Object document) {
    try (ByteArrayBuilder bytes = new ByteArrayBuilder();
        JsonGenerator out = generator(bytes)) {
      mapper.writeValue(out, document);
      out.flush();
      return bytes.toByteArray();
    } catch (JsonProcessingException e) {
      String why = e.getOriginalMessage();
      throw new EncodingException("the document cannot be encoded: " + why, e);
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw new EncodingException("the document cannot be encoded: " + e, e);
    }
  }

  private JsonGenerator generator(ByteArrayBuilder bytes) throws IOException {
    return new FiniteGenerator(GENERATORS.createGenerator(bytes).setCodec(mapper));
  }

  private static IOException malformed(JsonProcessingException error) {
    String where =
        error.getLocation() == null ? "" : " at byte " + error.getLocation().getByteOffset();
    return new IOException(error.getClass().getSimpleName() + where);
  }
}
