package dev.themisdb.client.errors;

import java.util.Locale;

/** The text is not the URN of an entity. */
public final class InvalidUrnException extends ThemisException {

  private static final long serialVersionUID = 1L;

  /** Which part of a URN was refused, or is missing; the same words in every SDK. */
  public enum Reason {
    /** It does not start with {@code urn:}. */
    SCHEME,
    /** It does not go on with {@code themis:}. */
    NID,
    /** There is no such model. */
    MODEL,
    /** The namespace is no name. */
    NAMESPACE,
    /** The collection is no name. */
    COLLECTION,
    /** The uuid is none. */
    UUID,
    /** The nil UUID names nothing. */
    NIL_UUID;

    /**
     * The word that all SDKs use.
     *
     * @return the name in lower case
     */
    public String value() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What is wrong. */
  private final Reason reason;

  /** Where. */
  private final int position;

  /**
   * Made by the client.
   *
   * @param reason what is wrong
   * @param position the index of the first character that cannot stay, or the length of the text
   *     when something is missing at its end
   * @param detail for people
   */
  public InvalidUrnException(Reason reason, int position, String detail) {
    super(detail + " (at character " + position + ")", null);
    this.reason = reason;
    this.position = position;
  }

  /**
   * What is wrong.
   *
   * @return the part that was refused
   */
  public Reason reason() {
    return reason;
  }

  /**
   * Where.
   *
   * @return the index of the first character that cannot stay, or the length of the text when
   *     something is missing at its end
   */
  public int position() {
    return position;
  }
}
