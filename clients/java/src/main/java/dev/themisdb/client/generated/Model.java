// Generated from spec/ by `python -m tools.codegen`: do not edit.

package dev.themisdb.client.generated;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/** The data model of a collection. */
public enum Model {
  /** {@code relational}. */
  RELATIONAL("relational"),

  /** {@code document}. */
  DOCUMENT("document"),

  /** {@code graph}. */
  GRAPH("graph"),

  /** {@code vector}. */
  VECTOR("vector"),

  /** {@code timeseries}. */
  TIMESERIES("timeseries");

  private final String wire;

  Model(String wire) {
    this.wire = wire;
  }

  /**
   * Returns the name that the API has for it.
   *
   * @return the name, in lower case
   */
  @JsonValue
  public String wire() {
    return wire;
  }

  /**
   * Finds the constant of a name of the API.
   *
   * @param wire the name, in lower case
   * @return the constant
   * @throws IllegalArgumentException if there is none
   */
  @JsonCreator
  public static Model of(String wire) {
    for (Model each : values()) {
      if (each.wire.equals(wire)) {
        return each;
      }
    }
    throw new IllegalArgumentException("there is no Model " + wire);
  }
}
