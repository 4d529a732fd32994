package dev.themisdb.client.transport;

import dev.themisdb.client.errors.ConfigurationException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** Makes an SSLContext from the PEM files that {@link TlsOptions} names. */
final class PemFiles {

  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----([^-]+)-----END \\1-----");
  // What turns a PKCS#1 RSA key into PKCS#8: version 0 and the algorithm rsaEncryption.
  private static final byte[] RSA_ALGORITHM = {
    2, 1, 0, 48, 13, 6, 9, 42, -122, 72, -122, -9, 13, 1, 1, 1, 5, 0
  };
  private static final char[] NO_PASSWORD = {};

  @SuppressWarnings("ArrayRecordComponent") // compared by nobody
  private record Block(String label, byte[] content) {}

  private PemFiles() {}

  static SSLContext context(TlsOptions options) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keyManagers(options), trustManagers(options), null);
      return context;
    } catch (IOException | GeneralSecurityException | IllegalArgumentException e) {
      throw new ConfigurationException("the TLS options cannot work: " + e);
    }
  }

  private static TrustManager @Nullable [] trustManagers(TlsOptions options)
      throws IOException, GeneralSecurityException {
    if (!options.verify()) {
      return new TrustManager[] {new TrustAll()};
    }
    Path caFile = options.caFile();
    if (caFile == null) {
      return null;
    }
    KeyStore store = emptyStore();
    int number = 0;
    for (Certificate certificate : certificates(caFile)) {
      store.setCertificateEntry("ca" + number++, certificate);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }

  private static KeyManager @Nullable [] keyManagers(TlsOptions options)
      throws IOException, GeneralSecurityException {
    Path certFile = options.certFile();
    if (certFile == null) {
      return null;
    }
    Path keyFile = options.keyFile() == null ? certFile : options.keyFile();
    List<Certificate> chain = certificates(certFile);
    KeyStore store = emptyStore();
    PrivateKey key = privateKey(keyFile, options.keyPassword());
    store.setKeyEntry("client", key, NO_PASSWORD, chain.toArray(new Certificate[0]));
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, NO_PASSWORD);
    return factory.getKeyManagers();
  }

  private static KeyStore emptyStore() throws IOException, GeneralSecurityException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static List<Certificate> certificates(Path file)
      throws IOException, GeneralSecurityException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<Certificate> found = new ArrayList<>();
    for (Block block : blocks(file)) {
      if (block.label.equals("CERTIFICATE")) {
        found.add(factory.generateCertificate(new ByteArrayInputStream(block.content)));
      }
    }
    if (found.isEmpty()) {
      throw new IOException(file + " holds no certificate");
    }
    return found;
  }

  private static PrivateKey privateKey(Path file, @Nullable String password)
      throws IOException, GeneralSecurityException {
    for (Block block : blocks(file)) {
      PKCS8EncodedKeySpec key = keySpec(block, password, file);
      if (key != null) {
        return fromPkcs8(key, file);
      }
    }
    throw new IOException(file + " holds no private key");
  }

  /** The key of a block, null for what may stand beside it: certificates and parameters. */
  private static @Nullable PKCS8EncodedKeySpec keySpec(
      Block block, @Nullable String password, Path file)
      throws IOException, GeneralSecurityException {
    return switch (block.label) {
      case "PRIVATE KEY" -> new PKCS8EncodedKeySpec(block.content);
      case "ENCRYPTED PRIVATE KEY" -> decrypted(block.content, password, file);
      case "RSA PRIVATE KEY" ->
          new PKCS8EncodedKeySpec(der(48, RSA_ALGORITHM, der(4, block.content)));
      case "EC PRIVATE KEY" ->
          throw new IOException(file + " holds a SEC 1 key; convert it: openssl pkcs8 -topk8");
      default -> null;
    };
  }

  private static PKCS8EncodedKeySpec decrypted(byte[] content, @Nullable String password, Path file)
      throws IOException, GeneralSecurityException {
    if (password == null) {
      throw new IOException(file + " is encrypted, and there is no password");
    }
    EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(content);
    // The name of PBES2 says nothing about the cipher; that of its parameters does.
    String algorithm = info.getAlgParameters().toString();
    Cipher cipher = Cipher.getInstance(algorithm);
    cipher.init(
        Cipher.DECRYPT_MODE,
        SecretKeyFactory.getInstance(algorithm)
            .generateSecret(new PBEKeySpec(password.toCharArray())),
        info.getAlgParameters());
    return info.getKeySpec(cipher);
  }

  private static PrivateKey fromPkcs8(PKCS8EncodedKeySpec spec, Path file)
      throws IOException, GeneralSecurityException {
    IOException unknown = new IOException(file + " holds a private key of an unknown kind");
    for (String algorithm : List.of("RSA", "EC", "Ed25519", "Ed448")) {
      try {
        return KeyFactory.getInstance(algorithm).generatePrivate(spec);
      } catch (InvalidKeySpecException e) {
        // Which algorithm it is stands in the key; asking each is how Java reads it.
        unknown.addSuppressed(e);
      }
    }
    throw unknown;
  }

  private static byte[] der(int tag, byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    byte[] found = new byte[length + 4];
    found[0] = (byte) tag;
    found[1] = (byte) 0x82;
    found[2] = (byte) (length >> 8);
    found[3] = (byte) length;
    int at = 4;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, found, at, part.length);
      at += part.length;
    }
    return found;
  }

  private static List<Block> blocks(Path file) throws IOException {
    String text = Files.readString(file, StandardCharsets.ISO_8859_1);
    List<Block> found = new ArrayList<>();
    Matcher matcher = BLOCK.matcher(text);
    while (matcher.find()) {
      byte[] content = Base64.getMimeDecoder().decode(matcher.group(2));
      found.add(new Block(matcher.group(1), content));
    }
    return found;
  }

  /** The extended kind, because only that switches the check of host names off, too. */
  private static final class TrustAll extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
