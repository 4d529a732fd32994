package dev.themisdb.client.errors;

import dev.themisdb.client.BatchFailure;
import java.util.List;

/** Some items of a batch failed; the others are done. */
public final class BatchException extends ThemisException {

  private static final long serialVersionUID = 1L;

  /** Which, and why. */
  @SuppressWarnings("serial") // an immutable list of records, which are serializable
  private final List<BatchFailure> failures;

  /** How many items the batch had. */
  private final int asked;

  /**
   * Made by the client.
   *
   * @param failures at least one
   * @param asked how many items the batch had
   */
  public BatchException(List<BatchFailure> failures, int asked) {
    super(describe(failures, asked), failures.get(0).error());
    this.failures = List.copyOf(failures);
    this.asked = asked;
  }

  /**
   * Which items failed, and why.
   *
   * @return at least one, in the order asked
   */
  public List<BatchFailure> failures() {
    return failures;
  }

  /**
   * How many items the batch had.
   *
   * @return the number
   */
  public int asked() {
    return asked;
  }

  private static String describe(List<BatchFailure> failures, int asked) {
    BatchFailure first = failures.get(0);
    String more = failures.size() > 1 ? ", and " + (failures.size() - 1) + " more" : "";
    return failures.size()
        + " of "
        + asked
        + " items failed: "
        + first.urn()
        + ": "
        + first.error().getMessage()
        + more;
  }
}
