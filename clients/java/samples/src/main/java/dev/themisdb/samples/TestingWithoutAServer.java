package dev.themisdb.samples;

import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.errors.ServerException;
import dev.themisdb.client.testing.FakeTransport;
import dev.themisdb.client.testing.Responses;
import dev.themisdb.client.transport.TransportFailure;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

/** Test your own code without a node: a transport that answers from a function. */
final class TestingWithoutAServer {

  /** Some code of yours. */
  private static String greeting(ThemisClient client, String uuid) {
    try {
      return client
          .get("document", "people", uuid)
          .map(person -> "Hello, " + person.get("name").textValue() + "!")
          .orElse("Who are you?");
    } catch (ServerException e) {
      return "Come back later.";
    }
  }

  private static String greetingWith(FakeTransport transport) {
    try (ThemisClient client =
        ThemisClient.builder().endpoints("http://fake").transport(transport).build()) {
      return greeting(client, UUID.randomUUID().toString());
    }
  }

  public static void main(String[] args) {
    FakeTransport alice =
        new FakeTransport(request -> Responses.json(200, Map.of("name", "Alice")));
    System.out.println(greetingWith(alice));
    System.out.println("it asked for " + alice.requests().get(0).target());

    System.out.println(
        greetingWith(
            new FakeTransport(request -> Responses.problem(404, "entity_not_found", false))));
    System.out.println(
        greetingWith(new FakeTransport(request -> Responses.problem(500, "internal", false))));

    // A connection that breaks once: the SDK tries again, and your code never knows.
    AtomicInteger asked = new AtomicInteger();
    FakeTransport shaky =
        new FakeTransport(
            request -> {
              if (asked.incrementAndGet() == 1) {
                throw new TransportFailure(TransportFailure.Kind.LOST, "cut off", true);
              }
              return Responses.json(200, Map.of("name", "Bob"));
            });
    System.out.println(greetingWith(shaky) + " after " + asked + " attempts");
    Sample.check(asked.get() == 2);
  }
}
