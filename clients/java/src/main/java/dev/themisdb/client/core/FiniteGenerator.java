package dev.themisdb.client.core;

import com.fasterxml.jackson.core.JsonGenerationException;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.JsonGeneratorDelegate;
import java.io.IOException;

/** Refuses NaN and infinities, which JSON cannot express and Jackson would write as texts. */
final class FiniteGenerator extends JsonGeneratorDelegate {

  FiniteGenerator(JsonGenerator delegate) {
    // false: trees and arrays are written through this generator, not past it.
    super(delegate, false);
  }

  @Override
  public void writeNumber(double value) throws IOException {
    check(value);
    super.writeNumber(value);
  }

  @Override
  public void writeNumber(float value) throws IOException {
    check(value);
    super.writeNumber(value);
  }

  @Override
  public void writeArray(double[] array, int offset, int length) throws IOException {
    for (int i = offset; i < offset + length; i++) {
      check(array[i]);
    }
    super.writeArray(array, offset, length);
  }

  private void check(double value) throws IOException {
    if (!Double.isFinite(value)) {
      throw new JsonGenerationException(
          "it holds NaN or an infinity, which JSON cannot express", this);
    }
  }
}
