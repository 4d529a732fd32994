package dev.themisdb.client;

import org.jspecify.annotations.Nullable;

/**
 * What to set of a collection; what is not named stays as it is, or as by default in a new one.
 * Immutable; made by {@link #builder()}.
 */
public final class CollectionSettings {

  /** Nothing is set. */
  public static final CollectionSettings DEFAULT = builder().build();

  private final @Nullable String description;
  private final @Nullable Integer cacheMaxAgeSeconds;
  private final @Nullable Boolean changeFeed;

  private CollectionSettings(Builder builder) {
    description = builder.description;
    cacheMaxAgeSeconds = builder.cacheMaxAgeSeconds;
    changeFeed = builder.changeFeed;
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
   * What the collection is for.
   *
   * @return the text, null to leave it
   */
  public @Nullable String description() {
    return description;
  }

  /**
   * How many seconds a client may keep a document without asking.
   *
   * @return the time, null to leave it
   */
  public @Nullable Integer cacheMaxAgeSeconds() {
    return cacheMaxAgeSeconds;
  }

  /**
   * Whether changes are recorded for the change feed.
   *
   * @return the switch, null to leave it
   */
  public @Nullable Boolean changeFeed() {
    return changeFeed;
  }

  /** Makes {@link CollectionSettings}. */
  public static final class Builder {

    private @Nullable String description;
    private @Nullable Integer cacheMaxAgeSeconds;
    private @Nullable Boolean changeFeed;

    private Builder() {}

    /**
     * What the collection is for.
     *
     * @param description at first empty
     * @return this
     */
    public Builder description(String description) {
      this.description = description;
      return this;
    }

    /**
     * How many seconds a client may keep a document without asking.
     *
     * @param cacheMaxAgeSeconds at first 0: it asks each time
     * @return this
     */
    public Builder cacheMaxAgeSeconds(int cacheMaxAgeSeconds) {
      this.cacheMaxAgeSeconds = cacheMaxAgeSeconds;
      return this;
    }

    /**
     * Whether changes are recorded for the change feed.
     *
     * @param changeFeed at first true
     * @return this
     */
    public Builder changeFeed(boolean changeFeed) {
      this.changeFeed = changeFeed;
      return this;
    }

    /**
     * Makes the settings.
     *
     * @return the settings
     */
    public CollectionSettings build() {
      return new CollectionSettings(this);
    }
  }
}
