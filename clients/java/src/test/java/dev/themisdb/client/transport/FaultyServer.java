package dev.themisdb.client.transport;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Raw sockets that get wrong what no HTTP server would: each request takes one fault from the
 * queue, and without one is answered with {@code {}}.
 */
final class FaultyServer implements AutoCloseable {

  enum Fault {
    NONE,
    CLOSE,
    RESET,
    GARBAGE,
    TRUNCATE,
    STALL_BEFORE_HEADERS,
    STALL_IN_BODY,
    REDIRECT,
    CLOSE_AFTER_ANSWER
  }

  private static final Pattern LENGTH = Pattern.compile("(?i)content-length: (\\d+)");

  final Queue<Fault> faults = new ConcurrentLinkedQueue<>();
  final List<String> heads = new CopyOnWriteArrayList<>();
  final AtomicInteger connections = new AtomicInteger();
  final AtomicInteger closedByClient = new AtomicInteger();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final ServerSocket listening;

  FaultyServer() throws IOException {
    listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work, "faulty-server");
    thread.setDaemon(true);
    thread.start();
  }

  String url() {
    return "http://127.0.0.1:" + listening.getLocalPort();
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Socket socket = listening.accept();
        connections.incrementAndGet();
        open.add(socket);
        start(() -> serve(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      while (exchange(socket)) {
        // the next one
      }
    } catch (IOException e) {
      // the other side has gone: that is what is being tested
      closedByClient.incrementAndGet();
    } finally {
      open.remove(socket);
    }
  }

  private boolean exchange(Socket socket) throws IOException {
    InputStream in = socket.getInputStream();
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    while (!head.toString(StandardCharsets.ISO_8859_1).endsWith("\r\n\r\n")) {
      int next = in.read();
      if (next < 0) {
        closedByClient.incrementAndGet();
        return false;
      }
      head.write(next);
    }
    String text = head.toString(StandardCharsets.ISO_8859_1);
    Matcher length = LENGTH.matcher(text);
    in.readNBytes(length.find() ? Integer.parseInt(length.group(1)) : 0);
    heads.add(text);
    Fault fault = faults.poll();
    return answer(socket, fault == null ? Fault.NONE : fault);
  }

  private boolean answer(Socket socket, Fault fault) throws IOException {
    switch (fault) {
      case CLOSE:
        return false;
      case RESET:
        socket.setSoLinger(true, 0);
        return false;
      case GARBAGE:
        write(socket, "\u0016\u0003\u0001 this is not HTTP\r\n\r\n");
        return false;
      case TRUNCATE:
        write(socket, "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{}");
        return false;
      case STALL_IN_BODY:
        write(socket, "HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\n{}");
        // Whether the client closes shows in the next read.
        return true;
      case STALL_BEFORE_HEADERS:
        return true;
      case REDIRECT:
        write(socket, "HTTP/1.1 302 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n");
        return true;
      case CLOSE_AFTER_ANSWER:
        write(socket, "HTTP/1.1 200 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
        return false;
      case NONE:
      default:
        write(socket, "HTTP/1.1 200 X\r\nContent-Length: 2\r\nX-Two: a\r\nX-Two: b\r\n\r\n{}");
        return true;
    }
  }

  private static void write(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
    socket.getOutputStream().flush();
  }

  @Override
  public void close() throws IOException {
    listening.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
