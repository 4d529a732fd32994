package dev.themisdb.client;

import dev.themisdb.client.errors.BatchException;
import java.util.List;

/**
 * What became of each item of a batch: no item's failure is thrown by the call itself.
 *
 * @param <T> what an item comes to
 */
public class BatchResult<T> {

  private final List<T> ok;
  private final List<Urn> missing;
  private final List<BatchFailure> failed;
  private final int asked;

  /**
   * Made by the client.
   *
   * @param ok what succeeded
   * @param missing what does not exist
   * @param failed what failed
   * @param asked how many items there were
   */
  public BatchResult(List<T> ok, List<Urn> missing, List<BatchFailure> failed, int asked) {
    this.ok = List.copyOf(ok);
    this.missing = List.copyOf(missing);
    this.failed = List.copyOf(failed);
    this.asked = asked;
  }

  /**
   * The items that succeeded.
   *
   * @return their results, in the order asked
   */
  public final List<T> ok() {
    return ok;
  }

  /**
   * The items that do not exist (reads and deletions).
   *
   * @return their URNs, in the order asked
   */
  public final List<Urn> missing() {
    return missing;
  }

  /**
   * The items that failed.
   *
   * @return why, in the order asked
   */
  public final List<BatchFailure> failed() {
    return failed;
  }

  /**
   * How many items the batch had.
   *
   * @return the number
   */
  public final int asked() {
    return asked;
  }

  /**
   * Whether no item failed. (That something does not exist is no failure.)
   *
   * @return true when {@link #failed()} is empty
   */
  public final boolean isOk() {
    return failed.isEmpty();
  }

  /**
   * Throws if any item failed.
   *
   * @throws BatchException with all failures
   */
  public final void throwIfFailed() {
    if (!failed.isEmpty()) {
      throw new BatchException(failed, asked);
    }
  }

  @Override
  public String toString() {
    return getClass().getSimpleName()
        + "["
        + ok.size()
        + " ok, "
        + missing.size()
        + " missing, "
        + failed.size()
        + " failed]";
  }
}
