package dev.themisdb.client.transport;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.net.http.HttpClient;
import org.jspecify.annotations.Nullable;

/** Shuts a client down where Java can (21 and later); before, the garbage collector does. */
final class ClientShutdown {

  private static final @Nullable MethodHandle SHUTDOWN = find();

  private ClientShutdown() {}

  static void shutdown(@Nullable HttpClient client) {
    if (client == null || SHUTDOWN == null) {
      return;
    }
    try {
      // What is in flight ends by itself.
      SHUTDOWN.invoke(client);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("HttpClient.shutdown failed", e);
    }
  }

  private static @Nullable MethodHandle find() {
    try {
      return MethodHandles.publicLookup()
          .findVirtual(HttpClient.class, "shutdown", MethodType.methodType(void.class));
    } catch (ReflectiveOperationException e) {
      return null;
    }
  }
}
