package dev.themisdb.client;

import org.jspecify.annotations.Nullable;

/**
 * What to set of a namespace; what is not named stays as it is, or as by default in a new one.
 * Immutable; made by {@link #builder()}.
 */
public final class NamespaceSettings {

  /** Nothing is set. */
  public static final NamespaceSettings DEFAULT = builder().build();

  private final @Nullable Boolean autoCreateCollections;

  private NamespaceSettings(Builder builder) {
    autoCreateCollections = builder.autoCreateCollections;
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
   * Whether the first write into an unknown collection creates it.
   *
   * @return the switch, null to leave it
   */
  public @Nullable Boolean autoCreateCollections() {
    return autoCreateCollections;
  }

  /** Makes {@link NamespaceSettings}. */
  public static final class Builder {

    private @Nullable Boolean autoCreateCollections;

    private Builder() {}

    /**
     * Whether the first write into an unknown collection creates it.
     *
     * @param autoCreateCollections at first as the server is configured
     * @return this
     */
    public Builder autoCreateCollections(boolean autoCreateCollections) {
      this.autoCreateCollections = autoCreateCollections;
      return this;
    }

    /**
     * Makes the settings.
     *
     * @return the settings
     */
    public NamespaceSettings build() {
      return new NamespaceSettings(this);
    }
  }
}
