package dev.themisdb.client.core;

import dev.themisdb.client.core.BatchItems.Item;
import dev.themisdb.client.core.BatchItems.Outcome;
import dev.themisdb.client.core.BatchItems.Refusal;
import dev.themisdb.client.errors.CallInterruptedException;
import dev.themisdb.client.errors.ThemisException;
import dev.themisdb.client.errors.TimeoutException;
import dev.themisdb.client.errors.TooLargeException;
import dev.themisdb.client.generated.Operation;
import dev.themisdb.client.placement.XxHash64;
import dev.themisdb.client.transport.Endpoint;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One logical batch on its way: everything once, then in rounds what may be tried again.
 *
 * <p>Items are grouped by the node that leads their shard (for a lagging read: by a near one that
 * has a replica of it), packed into requests that stay below the server's limits, sent side by
 * side, and noted at their places. Items that failed for a passing reason (no leader just now,
 * moved to another shard, answer too large) are sent again, within the same deadline. A write whose
 * outcome is unknown is not: it would need the whole request's key.
 */
final class BatchRun {

  static final int BATCH_ITEMS_MAX = 10_000;
  static final int BATCH_BYTES_MAX = 8 * 1024 * 1024;

  // {"items":[ and ]}, and a little: what a request has beyond its items.
  private static final int ENVELOPE_BYTES = 32;
  private static final int KEY_CHARS_MAX = 255;
  private static final Set<String> MOVED_CODES =
      Set.of("wrong_shard", "no_leader", "node_unreachable", "stale_epoch");
  private static final String NO_FAULT = "batch_response_limit";

  /** What one request came to: an outcome for each of its items. */
  private record Sent(
      List<Item> items,
      List<Outcome> outcomes,
      @Nullable ThemisException error,
      @Nullable Answer answer) {}

  /** Items that travel to one node; null where nobody is known to lead their shards. */
  private record Group(@Nullable Endpoint node, List<Item> items) {}

  /**
   * What requests of one round to one node have in common.
   *
   * @param name what makes a key of its own of the batch's, null for the batch's own
   * @param node who is asked first, null for whom the router chooses
   * @param near whether any replica may be asked
   */
  private record Part(@Nullable String name, @Nullable Endpoint node, boolean near) {
    Part named(String other) {
      return new Part(other, node, near);
    }
  }

  private final Core core;
  private final Operation operation;
  private final String target;
  private final String opening;
  private final long deadline;
  private final Map<String, String> headers;
  private final Freshness freshness;
  private final boolean repeatable;
  private final boolean independent;
  private final BatchItems board;
  private int retries;
  private int round;

  /**
   * A batch.
   *
   * @param headers the key among them, if there is one
   * @param items what is to be sent
   * @param board where it is noted what became of them
   */
  BatchRun(
      Core core,
      Operation operation,
      String target,
      String opening,
      long deadline,
      Map<String, String> headers,
      Freshness freshness,
      List<Item> items,
      BatchItems board) {
    this.core = core;
    this.operation = operation;
    this.target = target;
    this.opening = opening;
    this.deadline = deadline;
    this.headers = headers;
    this.freshness = freshness;
    this.repeatable = operation.idempotent() || headers.containsKey(Headers.IDEMPOTENCY_KEY);
    this.board = board;
    // An item sent again could overtake another one with the same URN.
    this.independent = operation.idempotent() || allDifferent(items);
  }

  private static boolean allDifferent(List<Item> items) {
    Set<Object> urns = new HashSet<>();
    return items.stream().allMatch(item -> urns.add(item.urn()));
  }

  Step<BatchItems> run(List<Item> items) {
    if (items.isEmpty() || !core.router.wantsTopology()) {
      return round(items);
    }
    return Step.await(
        new Effect.LoadTopology(
            Math.min(deadline - core.clock.getAsLong(), Course.TOPOLOGY_TIMEOUT_NANOS)),
        (value, failure) -> {
          noInterruption(failure, false);
          return round(items);
        });
  }

  private Step<BatchItems> round(List<Item> asked) {
    if (asked.isEmpty()) {
      return Step.done(board);
    }
    List<Supplier<Step<List<Sent>>>> flows = requests(asked);
    round++;
    return Step.await(
        new Effect.Gather<>(flows, core.options.parallel()),
        (outcomes, failure) -> {
          noInterruption(failure, true);
          return settle(asked, unpacked(Step.orThrow(outcomes, failure)));
        });
  }

  private static List<Sent> unpacked(List<Effect.Outcome<List<Sent>>> outcomes) {
    List<Sent> sent = new ArrayList<>();
    for (Effect.Outcome<List<Sent>> outcome : outcomes) {
      sent.addAll(Step.orThrow(outcome.value(), outcome.error()));
    }
    return sent;
  }

  private Step<BatchItems> settle(List<Item> asked, List<Sent> sent) {
    ThemisException first = sent.get(0).error;
    if (retries == 0 && first != null && sent.stream().allMatch(each -> each.error != null)) {
      // Not one request was answered: that is the call's failure, not the items'.
      throw first;
    }
    List<Item> pending = noted(sent);
    if (pending.isEmpty()) {
      return Step.done(board);
    }
    boolean answerWasFull =
        pending.stream().allMatch(item -> board.code(item.index()).equals(NO_FAULT));
    if (pending.size() < asked.size() && answerWasFull) {
      // What is left is asked for at once, and is no retry.
      return round(pending);
    }
    retries++;
    long wait = Course.waitNanos(core, retries, board.retryAfterNanos(pending));
    boolean late = core.clock.getAsLong() + wait - deadline >= 0;
    if (retries > core.options.retry().retriesMax() || late || !core.options.budget().spend()) {
      return Step.done(board);
    }
    if (pending.stream().anyMatch(item -> MOVED_CODES.contains(board.code(item.index())))) {
      core.refreshWanted.run();
    }
    return Step.await(
        new Effect.Sleep(wait),
        (value, failure) -> {
          noInterruption(failure, false);
          Step.orThrow(value, failure);
          return round(pending);
        });
  }

  /** Notes what became of each item; returns those to send again. */
  private List<Item> noted(List<Sent> sent) {
    List<Item> again = new ArrayList<>();
    boolean writes = !operation.idempotent();
    for (Sent request : sent) {
      for (int i = 0; i < request.items.size(); i++) {
        Item item = request.items.get(i);
        Outcome outcome = request.outcomes.get(i);
        board.note(item.index(), outcome, request.answer);
        boolean passing = outcome instanceof Refusal refusal && refusal.retryable();
        boolean unclear = writes && board.code(item.index()).equals("outcome_unknown");
        if (passing && independent && !unclear) {
          again.add(item);
        }
      }
    }
    return again;
  }

  // Requests

  private List<Supplier<Step<List<Sent>>>> requests(List<Item> items) {
    // What a replica could not answer is asked of the leaders.
    boolean near = freshness.anyReplica() && round == 0;
    Collection<Group> groups = byNode(items, near);
    List<Supplier<Step<List<Sent>>>> flows = new ArrayList<>();
    List<List<List<Item>>> chunked = groups.stream().map(each -> chunks(each.items)).toList();
    // What fits into one request is sent under the caller's own key.
    boolean whole = round == 0 && chunked.size() == 1 && chunked.get(0).size() == 1;
    String part = whole ? null : String.valueOf(round);
    int place = 0;
    for (Group group : groups) {
      Part of = new Part(part, near ? group.node : null, near);
      List<List<Item>> chunks = chunked.get(place++);
      if (independent) {
        chunks.forEach(chunk -> flows.add(() -> inTurn(List.of(chunk), of)));
      } else {
        // A URN occurs twice: its writes happen in their order, so the requests to its node do.
        flows.add(() -> inTurn(chunks, of));
      }
    }
    return flows;
  }

  /** Items whose shards are at the same node travel together: it answers for all of them. */
  private Collection<Group> byNode(List<Item> items, boolean near) {
    TopologyView view = core.router.view();
    if (view == null) {
      return List.of(new Group(null, items));
    }
    Map<String, Group> groups = new LinkedHashMap<>();
    Map<String, Group> ofShard = new HashMap<>();
    for (Item item : items) {
      String shardId = view.shardOf(item.hash());
      Group group = ofShard.get(shardId);
      if (group == null) {
        Endpoint node = near ? nearOne(item, groups) : core.router.leader(item.hash());
        String name = node == null ? "" : node.url();
        group = groups.computeIfAbsent(name, unused -> new Group(node, new ArrayList<>()));
        ofShard.put(shardId, group);
      }
      group.items.add(item);
    }
    return groups.values();
  }

  /** A near replica for an item's shard: one that is asked already, so that requests are few. */
  private @Nullable Endpoint nearOne(Item item, Map<String, Group> taken) {
    List<Endpoint> nearest = core.router.nearest(item.hash());
    for (Endpoint endpoint : nearest) {
      if (taken.containsKey(endpoint.url())) {
        return endpoint;
      }
    }
    return nearest.isEmpty() ? core.router.leader(item.hash()) : core.router.drawn(nearest);
  }

  /**
   * Cut at 10,000 items and at 8 MiB. An item that is too large by itself travels alone, to be
   * refused alone.
   */
  private static List<List<Item>> chunks(List<Item> items) {
    List<List<Item>> chunks = new ArrayList<>();
    List<Item> chunk = List.of();
    int size = BATCH_BYTES_MAX;
    for (Item item : items) {
      int bytes = item.encoded().length + 1;
      if (size + bytes > BATCH_BYTES_MAX || chunk.size() >= BATCH_ITEMS_MAX) {
        chunk = new ArrayList<>();
        chunks.add(chunk);
        size = ENVELOPE_BYTES;
      }
      chunk.add(item);
      size += bytes;
    }
    return chunks;
  }

  private Step<List<Sent>> inTurn(List<List<Item>> chunks, Part part) {
    return inTurn(chunks, part, 0, new ArrayList<>());
  }

  private Step<List<Sent>> inTurn(List<List<Item>> chunks, Part part, int place, List<Sent> found) {
    if (place == chunks.size()) {
      return Step.done(found);
    }
    List<Item> chunk = chunks.get(place);
    return Step.recovering(() -> send(chunk, part), error -> failed(chunk, error))
        .then(
            sent -> {
              found.addAll(sent);
              return inTurn(chunks, part, place + 1, found);
            });
  }

  private static Step<List<Sent>> failed(List<Item> chunk, ThemisException error) {
    if (error instanceof CallInterruptedException) {
      throw error;
    }
    Outcome failure = new BatchItems.Failure(error);
    return Step.done(
        List.of(new Sent(chunk, Collections.nCopies(chunk.size(), failure), error, null)));
  }

  private Step<List<Sent>> send(List<Item> chunk, Part part) {
    byte[] body = body(chunk);
    long left = deadline - core.clock.getAsLong();
    if (left <= 0) {
      throw new TimeoutException(
          operation.operationId() + " was not sent in time", 0, "-", false, null);
    }
    Call call = new Call(operation, target, left);
    call.headers.putAll(part.name == null ? headers : withPartKey(part.name, body));
    call.body = body;
    call.keyHash = chunk.get(0).hash();
    call.repeatable = repeatable;
    call.reads(freshness);
    call.anyReplica = part.near;
    call.first = part.node;
    return Step.recovering(
        () ->
            Course.perform(core, call)
                .map(
                    answer ->
                        List.of(
                            new Sent(chunk, BatchItems.read(answer, chunk.size()), null, answer))),
        error -> {
          boolean splits =
              error instanceof TooLargeException tooLarge
                  && chunk.size() > 1
                  && !tooLarge.code().equals("document_too_large");
          if (!splits) {
            throw error;
          }
          // This server allows less than we assumed.
          int middle = chunk.size() / 2;
          List<List<Item>> halves =
              List.of(chunk.subList(0, middle), chunk.subList(middle, chunk.size()));
          return inTurn(halves, part.name == null ? part.named("0") : part);
        });
  }

  private byte[] body(List<Item> chunk) {
    int size = ENVELOPE_BYTES + chunk.size();
    for (Item item : chunk) {
      size += item.encoded().length;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(size);
    out.writeBytes(opening.getBytes(StandardCharsets.US_ASCII));
    boolean first = true;
    for (Item item : chunk) {
      if (!first) {
        out.write(',');
      }
      first = false;
      out.writeBytes(item.encoded());
    }
    out.write(']');
    out.write('}');
    return out.toByteArray();
  }

  /**
   * One of several requests of a batch: the batch's key, its round and a digest of its content, for
   * a key of its own.
   *
   * <p>The round, because an item sent again is not to be answered with the failure of the first
   * time. The digest makes a repeated batch that is cut in the same way find its earlier answers,
   * and one that is cut in another way start afresh instead of being refused.
   */
  private Map<String, String> withPartKey(String part, byte[] body) {
    String key = headers.get(Headers.IDEMPOTENCY_KEY);
    if (key == null) {
      return headers;
    }
    String digest = XxHash64.toHex(XxHash64.hash(body));
    String partKey = key + "." + part + "." + digest;
    if (partKey.length() > KEY_CHARS_MAX) {
      partKey = XxHash64.toHex(XxHash64.hash(key)) + "." + part + "." + digest;
    }
    Map<String, String> changed = new LinkedHashMap<>(headers);
    changed.put(Headers.IDEMPOTENCY_KEY, partKey);
    return changed;
  }

  private void noInterruption(@Nullable Throwable failure, boolean underway) {
    if (failure instanceof InterruptedException || failure instanceof Step.Interruption) {
      throw new CallInterruptedException(
          operation.operationId() + " was interrupted",
          0,
          "-",
          underway && !operation.idempotent(),
          failure);
    }
  }
}
