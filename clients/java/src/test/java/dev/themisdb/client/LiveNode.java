package dev.themisdb.client;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A node for tests: the one at THEMIS_ENDPOINT, or one of its own on an empty directory. */
final class LiveNode implements AutoCloseable {

  private static final File PROGRAM = Path.of("..", "..", ".venv", "bin", "themis-server").toFile();

  private final String endpoint;
  private final Process process;
  private final Path data;

  private LiveNode(String endpoint, Process process, Path data) {
    this.endpoint = endpoint;
    this.process = process;
    this.data = data;
  }

  static boolean isPossible() {
    return System.getenv("THEMIS_ENDPOINT") != null || PROGRAM.canExecute();
  }

  static LiveNode start() throws IOException {
    String given = System.getenv("THEMIS_ENDPOINT");
    if (given != null) {
      return new LiveNode(given, null, null);
    }
    int port;
    try (ServerSocket probe = new ServerSocket(0)) {
      port = probe.getLocalPort();
    }
    Path data = Files.createTempDirectory("themis-java-test");
    Process process =
        new ProcessBuilder(
                PROGRAM.getPath(),
                "start",
                "--data",
                data.resolve("node").toString(),
                "--port",
                String.valueOf(port))
            .redirectErrorStream(true)
            .redirectOutput(data.resolve("log").toFile())
            .start();
    LiveNode node = new LiveNode("http://127.0.0.1:" + port, process, data);
    node.awaitReady();
    return node;
  }

  String endpoint() {
    return endpoint;
  }

  private void awaitReady() throws IOException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    try (ThemisClient client = ThemisClient.builder().endpoints(endpoint).build()) {
      while (!client.health().ready()) {
        assertTrue(process.isAlive(), () -> "the node ended: " + data.resolve("log"));
        assertTrue(System.nanoTime() < deadline, "the node did not become ready");
      }
    }
  }

  @Override
  public void close() throws IOException {
    if (process == null) {
      return;
    }
    process.destroy();
    process.onExit().join();
    try (Stream<Path> files = Files.walk(data)) {
      files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
    }
  }
}
