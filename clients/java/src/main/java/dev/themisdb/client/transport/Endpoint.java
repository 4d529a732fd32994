package dev.themisdb.client.transport;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A node's base URL, taken apart once. */
public final class Endpoint {

  private static final int KNOWN_MAX = 1024;
  private static final ConcurrentHashMap<String, Endpoint> KNOWN = new ConcurrentHashMap<>();

  private final String url;
  private final boolean secure;

  private Endpoint(String url, boolean secure) {
    this.url = url;
    this.secure = secure;
  }

  /**
   * Reads {@code http[s]://host[:port][/path]}.
   *
   * @param text the URL
   * @return the endpoint; the same one for the same text
   * @throws IllegalArgumentException when it is anything else
   */
  public static Endpoint parse(String text) {
    Endpoint known = KNOWN.get(text);
    if (known == null) {
      known = read(text);
      if (KNOWN.size() >= KNOWN_MAX) {
        KNOWN.clear();
      }
      KNOWN.put(text, known);
    }
    return known;
  }

  /**
   * The normalised URL: scheme, host, port, and the path of a gateway in front, if any.
   *
   * @return without a slash at its end
   */
  public String url() {
    return url;
  }

  /**
   * Whether it is spoken to over TLS.
   *
   * @return true for https
   */
  public boolean secure() {
    return secure;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Endpoint endpoint && url.equals(endpoint.url);
  }

  @Override
  public int hashCode() {
    return url.hashCode();
  }

  @Override
  public String toString() {
    return url;
  }

  private static Endpoint read(String text) {
    // Texts with credentials are not repeated.
    if (text.indexOf('@') >= 0) {
      throw new IllegalArgumentException(
          "an endpoint carries no credentials; pass a token instead");
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) <= ' ' || text.charAt(i) > '~') {
        throw new IllegalArgumentException(
            "an endpoint is plain ASCII without spaces: '" + text + "'");
      }
    }
    URI uri;
    try {
      uri = new URI(text);
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException(shape(text), e);
    }
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    String host = uri.getHost();
    if (host == null || !(scheme.equals("http") || scheme.equals("https"))) {
      throw new IllegalArgumentException(shape(text));
    }
    if (uri.getRawQuery() != null || uri.getRawFragment() != null) {
      throw new IllegalArgumentException(
          "an endpoint has neither query nor fragment: '" + text + "'");
    }
    boolean secure = scheme.equals("https");
    int port = uri.getPort() >= 0 ? uri.getPort() : secure ? 443 : 80;
    if (port < 1 || port > 65535) {
      throw new IllegalArgumentException(shape(text));
    }
    String path = uri.getRawPath() == null ? "" : uri.getRawPath();
    while (path.endsWith("/")) {
      path = path.substring(0, path.length() - 1);
    }
    return new Endpoint(scheme + "://" + host.toLowerCase(Locale.ROOT) + ":" + port + path, secure);
  }

  private static String shape(String text) {
    return "an endpoint looks like http://host:8080, not like '" + text + "'";
  }
}
