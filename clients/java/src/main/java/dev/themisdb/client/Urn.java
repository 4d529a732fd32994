package dev.themisdb.client;

import dev.themisdb.client.errors.InvalidUrnException;
import dev.themisdb.client.errors.InvalidUrnException.Reason;
import java.io.Serializable;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The name of one entity: {@code urn:themis:{model}:{namespace}:{collection}:{uuid}}.
 *
 * <p>A {@code Urn} that exists is valid and normalised: two that name the same entity are equal as
 * objects and as text. RFC 8141 makes {@code urn} and the namespace identifier case-insensitive,
 * RFC 9562 the uuid: these are lowered. Model, namespace and collection keep their case.
 *
 * <p>It is a {@link CharSequence}: whatever takes a URN takes its text as well.
 */
public final class Urn implements CharSequence, Comparable<Urn>, Serializable {

  /** The models, as they are written in a URN. */
  public static final List<String> MODELS =
      List.of("relational", "document", "graph", "vector", "timeseries");

  /** The longest name of a namespace or collection. */
  public static final int NAME_CHARS_MAX = 63;

  private static final long serialVersionUID = 1L;

  private static final String NIL_UUID = "00000000-0000-0000-0000-000000000000";
  private static final int UUID_CHARS = 36;
  private static final String START = "urn:themis:";

  // Prefix text as met -> its parts. Emptied when full: a hostile caller can make it useless, never
  // large.
  private static final int PREFIXES_MAX = 4096;
  private static final ConcurrentHashMap<String, Prefix> PREFIXES = new ConcurrentHashMap<>();

  private record Prefix(String model, String namespace, String collection) {}

  /** The model. */
  private final String model;

  /** The namespace. */
  private final String namespace;

  /** The collection. */
  private final String collection;

  /** The uuid in lower case. */
  private final String uuid;

  private transient @Nullable String text;

  private Urn(Prefix prefix, String uuid) {
    this.model = prefix.model;
    this.namespace = prefix.namespace;
    this.collection = prefix.collection;
    this.uuid = uuid;
  }

  /**
   * Makes a URN from its parts.
   *
   * @param model one of {@link #MODELS}
   * @param namespace the namespace
   * @param collection the collection
   * @param uuid the uuid, in any case
   * @return the URN
   * @throws InvalidUrnException when a part cannot be one
   */
  public static Urn of(String model, String namespace, String collection, String uuid) {
    return parse(START + model + ':' + namespace + ':' + collection + ':' + uuid);
  }

  /**
   * Reads a written URN.
   *
   * @param text {@code urn:themis:{model}:{namespace}:{collection}:{uuid}}
   * @return the URN
   * @throws InvalidUrnException when it is none
   */
  public static Urn parse(CharSequence text) {
    return text instanceof Urn urn ? urn : parse(text.toString());
  }

  /**
   * The name of another entity of the same collection.
   *
   * @param otherUuid its uuid, in any case
   * @return its URN
   * @throws InvalidUrnException when it is no uuid
   */
  public Urn withUuid(String otherUuid) {
    if (otherUuid.length() == UUID_CHARS && isUuid(otherUuid) && !otherUuid.equals(NIL_UUID)) {
      return new Urn(new Prefix(model, namespace, collection), lowerUuid(otherUuid));
    }
    return of(model, namespace, collection, otherUuid);
  }

  /**
   * Percent-encoded for one path segment. Names and uuids hold unreserved characters only (RFC 3986
   * section 2.3), so the colons are all there is to encode. They must be: URL joiners read a bare
   * {@code urn:} as a scheme.
   *
   * @return the text for a path
   */
  public String quoted() {
    return "urn%3Athemis%3A" + model + "%3A" + namespace + "%3A" + collection + "%3A" + uuid;
  }

  /**
   * The model.
   *
   * @return one of {@link #MODELS}
   */
  public String model() {
    return model;
  }

  /**
   * The namespace.
   *
   * @return its name
   */
  public String namespace() {
    return namespace;
  }

  /**
   * The collection.
   *
   * @return its name
   */
  public String collection() {
    return collection;
  }

  /**
   * The uuid.
   *
   * @return 36 characters in lower case
   */
  public String uuid() {
    return uuid;
  }

  @Override
  public int length() {
    return toString().length();
  }

  @Override
  public char charAt(int index) {
    return toString().charAt(index);
  }

  @Override
  public CharSequence subSequence(int start, int end) {
    return toString().subSequence(start, end);
  }

  @Override
  public int compareTo(Urn other) {
    return toString().compareTo(other.toString());
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Urn urn
        && uuid.equals(urn.uuid)
        && collection.equals(urn.collection)
        && namespace.equals(urn.namespace)
        && model.equals(urn.model);
  }

  @Override
  public int hashCode() {
    return uuid.hashCode() * 31 + collection.hashCode();
  }

  @Override
  public String toString() {
    String known = text;
    if (known == null) {
      known = START + model + ':' + namespace + ':' + collection + ':' + uuid;
      text = known;
    }
    return known;
  }

  private static Urn parse(String text) {
    int split = text.length() - UUID_CHARS;
    Prefix prefix = split > 0 ? PREFIXES.get(text.substring(0, split)) : null;
    if (prefix == null) {
      prefix = learnPrefix(text);
    }
    String uuid = text.substring(split);
    if (!isUuid(uuid) || uuid.equals(NIL_UUID)) {
      throw refusedUuid(uuid, split);
    }
    return new Urn(prefix, lowerUuid(uuid));
  }

  /** Whether 36 characters are a uuid. */
  private static boolean isUuid(String uuid) {
    for (int i = 0; i < UUID_CHARS; i++) {
      char c = uuid.charAt(i);
      if (isDashPlace(i) ? c != '-' : !isHexDigit(c)) {
        return false;
      }
    }
    return true;
  }

  private static String lowerUuid(String uuid) {
    for (int i = 0; i < UUID_CHARS; i++) {
      if (uuid.charAt(i) >= 'A' && uuid.charAt(i) <= 'F') {
        return lowerAscii(uuid);
      }
    }
    return uuid;
  }

  /** Validates what stands before the last 36 characters, and remembers it. */
  private static Prefix learnPrefix(String text) {
    String[] parts = text.split(":", 6);
    checkPrefix(parts, text);
    String uuid = parts[5];
    if (uuid.length() != UUID_CHARS) {
      throw refusedUuid(uuid, text.length() - uuid.length());
    }
    Prefix prefix = new Prefix(parts[2], parts[3], parts[4]);
    if (PREFIXES.size() >= PREFIXES_MAX) {
      PREFIXES.clear();
    }
    PREFIXES.put(text.substring(0, text.length() - UUID_CHARS), prefix);
    return prefix;
  }

  /** Judges the parts from left to right: the first mistake is the one to name. */
  private static void checkPrefix(String[] parts, String text) {
    if (!equalsIgnoringAsciiCase(parts[0], "urn")) {
      throw new InvalidUrnException(Reason.SCHEME, 0, "a URN starts with urn:");
    }
    if (parts.length < 2 || !equalsIgnoringAsciiCase(parts[1], "themis")) {
      int position = Math.min(4, text.length());
      throw new InvalidUrnException(Reason.NID, position, "a ThemisDB URN starts with urn:themis:");
    }
    int position = Math.min(START.length(), text.length());
    if (parts.length < 3 || !MODELS.contains(parts[2])) {
      String detail = "the model is one of " + String.join(", ", MODELS);
      throw new InvalidUrnException(Reason.MODEL, position, detail);
    }
    position += parts[2].length() + 1;
    for (int index = 3; index <= 4; index++) {
      Reason reason = index == 3 ? Reason.NAMESPACE : Reason.COLLECTION;
      if (parts.length <= index) {
        String detail = "the " + reason.value() + " is missing";
        throw new InvalidUrnException(reason, text.length(), detail);
      }
      checkName(parts[index], position, reason);
      position += parts[index].length() + 1;
    }
    if (parts.length < 6) {
      throw new InvalidUrnException(Reason.UUID, text.length(), "the uuid is missing");
    }
  }

  private static void checkName(String name, int start, Reason reason) {
    String what = reason.value();
    if (name.isEmpty()) {
      throw new InvalidUrnException(reason, start, "the " + what + " is empty");
    }
    if (name.charAt(0) == '.' || name.charAt(0) == '-' || !isNameChar(name.charAt(0))) {
      String detail = "a " + what + " starts with a letter, a digit or _";
      throw new InvalidUrnException(reason, start, detail);
    }
    for (int i = 0; i < name.length(); i++) {
      if (i == NAME_CHARS_MAX) {
        String detail = "a " + what + " has at most " + NAME_CHARS_MAX + " characters";
        throw new InvalidUrnException(reason, start + i, detail);
      }
      if (!isNameChar(name.charAt(i))) {
        String detail = "a " + what + " holds letters, digits, _ . and - only";
        throw new InvalidUrnException(reason, start + i, detail);
      }
    }
  }

  private static InvalidUrnException refusedUuid(String uuid, int start) {
    if (uuid.equals(NIL_UUID)) {
      return new InvalidUrnException(Reason.NIL_UUID, start, "the nil UUID names nothing");
    }
    int checked = Math.min(uuid.length(), UUID_CHARS);
    for (int i = 0; i < checked; i++) {
      char c = uuid.charAt(i);
      if (isDashPlace(i) ? c != '-' : !isHexDigit(c)) {
        String detail = "a uuid is 8-4-4-4-12 hexadecimal digits (RFC 9562)";
        return new InvalidUrnException(Reason.UUID, start + i, detail);
      }
    }
    String detail = "a uuid has 36 characters, this one " + uuid.length();
    return new InvalidUrnException(Reason.UUID, start + checked, detail);
  }

  private static boolean isDashPlace(int index) {
    return index == 8 || index == 13 || index == 18 || index == 23;
  }

  private static boolean isHexDigit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  }

  private static boolean isNameChar(char c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '_'
        || c == '.'
        || c == '-';
  }

  // String.equalsIgnoreCase and toLowerCase know letters beyond ASCII (U+017F is an s to them).
  private static boolean equalsIgnoringAsciiCase(String text, String lower) {
    return text.length() == lower.length() && lowerAscii(text).equals(lower);
  }

  private static String lowerAscii(String text) {
    char[] chars = text.toCharArray();
    for (int i = 0; i < chars.length; i++) {
      if (chars[i] >= 'A' && chars[i] <= 'Z') {
        chars[i] = (char) (chars[i] + ('a' - 'A'));
      }
    }
    return new String(chars);
  }
}
