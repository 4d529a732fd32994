package dev.themisdb.client;

import dev.themisdb.client.core.Checks;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Options of a read. Immutable; made by {@link #builder()}. */
public final class ReadOptions {

  /** Everything as the client has it. */
  public static final ReadOptions DEFAULT = builder().build();

  private final @Nullable String namespace;
  private final @Nullable Duration timeout;
  private final @Nullable Consistency consistency;
  private final @Nullable Duration maxLag;

  private ReadOptions(Builder builder) {
    namespace = builder.namespace;
    timeout = builder.timeout;
    consistency = builder.consistency;
    maxLag = builder.maxLag;
    ReadChecks.check(consistency, maxLag);
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
   * Whatever the replica that answers has.
   *
   * @return options for {@link Consistency#EVENTUAL}
   */
  public static ReadOptions eventual() {
    return builder().consistency(Consistency.EVENTUAL).build();
  }

  /**
   * At most so far behind.
   *
   * @param maxLag how far behind the answer may be
   * @return options for {@link Consistency#BOUNDED}
   */
  public static ReadOptions bounded(Duration maxLag) {
    return builder().consistency(Consistency.BOUNDED).maxLag(maxLag).build();
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

  /** Makes {@link ReadOptions}. */
  public static final class Builder {

    private @Nullable String namespace;
    private @Nullable Duration timeout;
    private @Nullable Consistency consistency;
    private @Nullable Duration maxLag;

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
     * Makes the options.
     *
     * @return the options
     * @throws dev.themisdb.client.errors.ConfigurationException when they contradict each other
     */
    public ReadOptions build() {
      return new ReadOptions(this);
    }
  }
}
