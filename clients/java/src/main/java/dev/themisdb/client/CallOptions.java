package dev.themisdb.client;

import dev.themisdb.client.core.Checks;
import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Options of a call on the catalogue, the cluster, or many items. Immutable; made by {@link
 * #builder()}.
 */
public final class CallOptions {

  /** Everything as the client has it. */
  public static final CallOptions DEFAULT = builder().build();

  private final @Nullable String namespace;
  private final @Nullable Duration timeout;
  private final @Nullable String idempotencyKey;
  private final boolean withoutKey;

  private CallOptions(Builder builder) {
    namespace = builder.namespace;
    timeout = builder.timeout;
    idempotencyKey = builder.idempotencyKey;
    withoutKey = builder.withoutKey;
    if (withoutKey && idempotencyKey != null) {
      throw new ConfigurationException("an idempotency key, or none: not both");
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
   * A key of your own, under which the servers remember the write.
   *
   * @return the key, null for one that the client makes
   */
  public @Nullable String idempotencyKey() {
    return idempotencyKey;
  }

  /**
   * Whether the write goes without a key: it is then never sent again once it may have arrived.
   *
   * @return true if so
   */
  public boolean withoutKey() {
    return withoutKey;
  }

  /** Makes {@link CallOptions}. */
  public static final class Builder {

    private @Nullable String namespace;
    private @Nullable Duration timeout;
    private @Nullable String idempotencyKey;
    private boolean withoutKey;

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
     * A key of your own, under which the servers remember the write.
     *
     * @param idempotencyKey 1 to 255 visible ASCII characters
     * @return this
     */
    public Builder idempotencyKey(String idempotencyKey) {
      this.idempotencyKey = Checks.idempotencyKey(idempotencyKey);
      return this;
    }

    /**
     * The write goes without a key: it is then never sent again once it may have arrived.
     *
     * @return this
     */
    public Builder withoutIdempotencyKey() {
      this.withoutKey = true;
      return this;
    }

    /**
     * Makes the options.
     *
     * @return the options
     * @throws dev.themisdb.client.errors.ConfigurationException when they contradict each other
     */
    public CallOptions build() {
      return new CallOptions(this);
    }
  }
}
