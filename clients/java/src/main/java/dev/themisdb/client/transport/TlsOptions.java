package dev.themisdb.client.transport;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How to verify the server, and who we are.
 *
 * @param caFile PEM file of the authorities to trust instead of the system's
 * @param certFile PEM file of the client's own certificate chain, for mutual TLS
 * @param keyFile PEM file of its key (PKCS#8, or PKCS#1 RSA), when not in {@code certFile}
 * @param keyPassword what decrypts the key
 * @param verify false switches verification off: anyone may then pose as the server. For
 *     experiments.
 */
public record TlsOptions(
    @Nullable Path caFile,
    @Nullable Path certFile,
    @Nullable Path keyFile,
    @Nullable String keyPassword,
    boolean verify) {

  /**
   * Trust these authorities.
   *
   * @param caFile PEM file
   * @return options without a certificate of the client's own
   */
  public static TlsOptions trusting(Path caFile) {
    return new TlsOptions(caFile, null, null, null, true);
  }

  /**
   * The same with a certificate of the client's own, for mutual TLS.
   *
   * @param chain PEM file of the certificate chain
   * @param key PEM file of its key
   * @return new options
   */
  public TlsOptions withCertificate(Path chain, Path key) {
    return new TlsOptions(caFile, chain, key, keyPassword, verify);
  }

  @Override
  public String toString() {
    return "TlsOptions[ca " + caFile + ", certificate " + certFile + ", verify " + verify + "]";
  }
}
