package dev.themisdb.samples;

import dev.themisdb.client.DeleteEntry;
import dev.themisdb.client.RetryPolicy;
import dev.themisdb.client.ThemisClient;
import dev.themisdb.client.generated.ClusterShard;
import dev.themisdb.client.generated.LeaderTransferred;
import dev.themisdb.client.generated.ReplicaStatus;
import dev.themisdb.client.hooks.Hooks;
import dev.themisdb.client.hooks.RequestRetry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A writer that goes on while leaders move: no write fails, none is lost, and each is done once.
 *
 * <p>Start it on a cluster ({@code ./themis cluster up --nodes 3}), with {@code SECONDS=20} in its
 * environment, and kill a node while it runs ({@code ./themis cluster kill 2}). On a cluster it also
 * moves a leader by itself; on a node that is alone it only writes.
 */
final class Failover {

  /** Says what the SDK did about trouble, as it happens. */
  private static final class Retries implements Hooks {
    private int count;

    @Override
    public void onRequestRetry(RequestRetry retry) {
      count++;
      System.out.printf(
          "  %s at %s: %s; again in %d ms%n",
          retry.operation(), retry.endpoint(), retry.reason(), retry.delay().toMillis());
    }
  }

  public static void main(String[] args) {
    Retries retries = new Retries();
    // A leader is elected within a second or two: patience for that, within the deadline of each
    // call.
    RetryPolicy patience =
        RetryPolicy.DEFAULT.withRetriesMax(10).withAttemptTimeout(Duration.ofSeconds(3));
    try (ThemisClient client =
        ThemisClient.builder()
            .endpoints(Sample.endpoints())
            .namespace("samples")
            .timeout(Duration.ofSeconds(15))
            .retry(patience)
            .hooks(retries)
            .build()) {
      List<String> uuids = Stream.generate(() -> UUID.randomUUID().toString()).limit(8).toList();
      long begin = System.nanoTime();
      long lasts = (long) (Sample.seconds() * 1e9);
      long longest = 0;
      int rounds = 0;
      boolean moved = false;
      while (rounds == 0 || System.nanoTime() - begin < lasts) {
        rounds++;
        for (String uuid : uuids) {
          long started = System.nanoTime();
          // The SDK gives each write a key: sent again after a failover, it is still done once.
          client.put("document", "counters", uuid, Map.of("value", rounds));
          longest = Math.max(longest, System.nanoTime() - started);
        }
        if (!moved && System.nanoTime() - begin > lasts / 2) {
          moved = true;
          moveALeader(client);
        }
      }
      int last = rounds;
      System.out.printf(
          "%d writes, %d retries, the slowest took %d ms%n",
          rounds * uuids.size(), retries.count, longest / 1_000_000);
      Sample.check(
          client.batchGet("document", "counters", uuids).documents().stream()
              .allMatch(document -> document.orElseThrow().get("value").intValue() == last));
      client.batchDelete("document", "counters", uuids.stream().map(DeleteEntry::of).toList());
    }
  }

  /** Gives one shard another leader, if there is a node to give it to. */
  private static void moveALeader(ThemisClient client) {
    ClusterShard shard = client.adminShards().items().get(0);
    Optional<ReplicaStatus> other =
        shard.replicas().stream()
            .filter(each -> each.role().equals("voter") && "follower".equals(each.state()))
            .findFirst();
    if (other.isPresent()) {
      LeaderTransferred moved = client.adminTransferLeader(shard.shardId(), other.get().nodeId());
      System.out.printf(
          "%s is led by %s now, in term %d%n",
          moved.shardId(), moved.leader(), moved.leaderTerm());
    }
  }
}
