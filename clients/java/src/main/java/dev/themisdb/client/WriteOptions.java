package dev.themisdb.client;

import dev.themisdb.client.core.Checks;
import dev.themisdb.client.errors.ConfigurationException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Options of a write of one entity. Immutable; made by {@link #builder()}. */
public final class WriteOptions {

  /** Everything as the client has it. */
  public static final WriteOptions DEFAULT = builder().build();

  private final @Nullable String namespace;
  private final @Nullable Duration timeout;
  private final @Nullable VersionMatch ifMatch;
  private final boolean ifAbsent;
  private final @Nullable String idempotencyKey;
  private final boolean withoutKey;

  private WriteOptions(Builder builder) {
    namespace = builder.namespace;
    timeout = builder.timeout;
    ifMatch = builder.ifMatch;
    ifAbsent = builder.ifAbsent;
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
   * Write only over this version.
   *
   * @param version the version that the entity must have
   * @return options with that condition
   */
  public static WriteOptions ifVersion(long version) {
    return builder().ifMatch(version).build();
  }

  /**
   * Write only if there is no entity yet.
   *
   * @return options with that condition
   */
  public static WriteOptions ifNew() {
    return builder().ifAbsent().build();
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
   * Write only if the entity has one of these versions.
   *
   * @return the versions, null for no condition
   */
  public @Nullable VersionMatch ifMatch() {
    return ifMatch;
  }

  /**
   * Whether to write only if there is no entity yet.
   *
   * @return true if so
   */
  public boolean ifAbsent() {
    return ifAbsent;
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

  /** Makes {@link WriteOptions}. */
  public static final class Builder {

    private @Nullable String namespace;
    private @Nullable Duration timeout;
    private @Nullable VersionMatch ifMatch;
    private boolean ifAbsent;
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
     * Write only if the entity has one of these versions.
     *
     * @param ifMatch the versions, or any
     * @return this
     */
    public Builder ifMatch(VersionMatch ifMatch) {
      this.ifMatch = ifMatch;
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
     * Write only if the entity has one of these versions.
     *
     * @param versions at least one
     * @return this
     */
    public Builder ifMatch(long... versions) {
      return ifMatch(VersionMatch.of(versions));
    }

    /**
     * Write only if the entity has none of these versions, which can only be any.
     *
     * @param versions {@link VersionMatch#any()}
     * @return this
     * @throws ConfigurationException when it is another
     */
    public Builder ifNoneMatch(VersionMatch versions) {
      if (!versions.equals(VersionMatch.any())) {
        throw new ConfigurationException(
            "if_none_match of a write is '*': only if there is no entity yet");
      }
      return ifAbsent();
    }

    /**
     * Write only if there is no entity yet.
     *
     * @return this
     */
    public Builder ifAbsent() {
      this.ifAbsent = true;
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
    public WriteOptions build() {
      return new WriteOptions(this);
    }
  }
}
