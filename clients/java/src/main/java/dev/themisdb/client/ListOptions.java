package dev.themisdb.client;

import dev.themisdb.client.core.Checks;
import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Options of walking through a collection; the timeout is for each page. Immutable; made by {@link
 * #builder()}.
 */
public final class ListOptions {

  /** Everything as the client has it. */
  public static final ListOptions DEFAULT = builder().build();

  private static final int PAGE_SIZE_MAX = 1000;

  private final @Nullable String namespace;
  private final @Nullable Duration timeout;
  private final @Nullable Consistency consistency;
  private final @Nullable Duration maxLag;
  private final int pageSize;
  private final boolean documents;
  private final @Nullable String cursor;

  private ListOptions(Builder builder) {
    namespace = builder.namespace;
    timeout = builder.timeout;
    consistency = builder.consistency;
    maxLag = builder.maxLag;
    pageSize = builder.pageSize;
    documents = builder.documents;
    cursor = builder.cursor;
    ReadChecks.check(consistency, maxLag);
    if (pageSize < 1 || pageSize > PAGE_SIZE_MAX) {
      throw new ConfigurationException("page_size is 1 to 1000, not " + pageSize);
    }
  }

  /**
   * Starts from the defaults.
   *
   * @return a builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Where the collection is looked for.
   *
   * @return the namespace, null for the client's
   */
  public @Nullable String namespace() {
    return namespace;
  }

  /**
   * How long the call may take, attempts and waits included.
   *
   * @return the limit, null for the client's
   */
  public @Nullable Duration timeout() {
    return timeout;
  }

  /**
   * How fresh the answer must be.
   *
   * @return the level, null for the client's
   */
  public @Nullable Consistency consistency() {
    return consistency;
  }

  /**
   * How far behind the answer may be.
   *
   * @return the bound, null for the client's, if the read is bounded
   */
  public @Nullable Duration maxLag() {
    return maxLag;
  }

  /**
   * How many entities are fetched at once.
   *
   * @return 1 to 1000
   */
  public int pageSize() {
    return pageSize;
  }

  /**
   * Whether documents are fetched, or versions only.
   *
   * @return false for versions only
   */
  public boolean documents() {
    return documents;
  }

  /**
   * Where to begin.
   *
   * @return the cursor of an earlier iterator, null for the beginning
   */
  public @Nullable String cursor() {
    return cursor;
  }

  /** Makes {@link ListOptions}. */
  public static final class Builder {

    private @Nullable String namespace;
    private @Nullable Duration timeout;
    private @Nullable Consistency consistency;
    private @Nullable Duration maxLag;
    private int pageSize = 500;
    private boolean documents = true;
    private @Nullable String cursor;

    private Builder() {}

    /**
     * Where the collection is looked for.
     *
     * @param namespace a namespace instead of the client's
     * @return this
     */
    public Builder namespace(String namespace) {
      this.namespace = Checks.name(namespace, "namespace");
      return this;
    }

    /**
     * How long the call may take, attempts and waits included.
     *
     * @param timeout for the whole call, at most a day
     * @return this
     */
    public Builder timeout(Duration timeout) {
      this.timeout = Checks.timeout(timeout);
      return this;
    }

    /**
     * How fresh the answer must be.
     *
     * @param consistency how fresh the answer must be
     * @return this
     */
    public Builder consistency(Consistency consistency) {
      this.consistency = consistency;
      return this;
    }

    /**
     * How far behind the answer may be.
     *
     * @param maxLag at most an hour; goes with {@link Consistency#BOUNDED}, said here or by the
     *     client; with 0, only the leader can answer
     * @return this
     */
    public Builder maxLag(Duration maxLag) {
      this.maxLag = maxLag;
      return this;
    }

    /**
     * How many entities are fetched at once.
     *
     * @param pageSize 1 to 1000
     * @return this
     */
    public Builder pageSize(int pageSize) {
      this.pageSize = pageSize;
      return this;
    }

    /**
     * Whether documents are fetched, or versions only.
     *
     * @param documents false for versions only
     * @return this
     */
    public Builder documents(boolean documents) {
      this.documents = documents;
      return this;
    }

    /**
     * Where to begin.
     *
     * @param cursor what an earlier iterator said
     * @return this
     */
    public Builder cursor(String cursor) {
      this.cursor = cursor;
      return this;
    }

    /**
     * Makes the options.
     *
     * @return the options
     * @throws dev.themisdb.client.errors.ConfigurationException when they contradict each other
     */
    public ListOptions build() {
      return new ListOptions(this);
    }
  }
}
