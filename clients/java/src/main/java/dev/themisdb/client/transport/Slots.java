package dev.themisdb.client.transport;

import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * The limit of connections to one endpoint: each exchange takes a slot, and who finds none waits
 * for his turn.
 *
 * <p>It also keeps count of the connections that java.net.http has idle, to guess whether an
 * exchange goes over an old one. The client does not tell; the guess is right unless the server
 * closed a connection while it was idle, and it decides nothing but whether a lost exchange is
 * repeated at once (if it may be repeated at all) or after a wait.
 */
@SuppressWarnings("CollectionUndefinedEquality") // futures are looked for by identity
final class Slots {

  private final ArrayDeque<CompletableFuture<Boolean>> waiting = new ArrayDeque<>();
  private int free;
  private int idle;

  Slots(int limit) {
    this.free = limit;
  }

  /** Takes a slot now, or queues up: then the future is done once there is one. */
  synchronized @Nullable CompletableFuture<Boolean> acquire() {
    if (free > 0) {
      free--;
      return null;
    }
    CompletableFuture<Boolean> turn = new CompletableFuture<>();
    waiting.add(turn);
    return turn;
  }

  /** Takes a slot within the time given; false when there was none. */
  boolean acquire(long nanos) throws InterruptedException {
    CompletableFuture<Boolean> turn = acquire();
    if (turn == null) {
      return true;
    }
    try {
      return turn.get(Math.max(nanos, 0), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      abandon(turn);
      return false;
    } catch (InterruptedException e) {
      abandon(turn);
      throw e;
    } catch (ExecutionException e) {
      throw new IllegalStateException("a turn does not fail", e);
    }
  }

  /** Gives up waiting; a slot that came at the last moment goes on to the next. */
  void abandon(CompletableFuture<Boolean> turn) {
    synchronized (this) {
      waiting.remove(turn);
    }
    if (!turn.cancel(false) && !turn.isCompletedExceptionally()) {
      release();
    }
  }

  /** Gives up waiting, if it still waits: a turn that has come is somebody else's to end. */
  void abandonIfWaiting(CompletableFuture<Boolean> turn) {
    if (turn.cancel(false)) {
      forget(turn);
    }
  }

  /** Takes out of the queue who has stopped waiting. */
  synchronized void forget(CompletableFuture<Boolean> turn) {
    waiting.remove(turn);
  }

  /** Gives a slot back. */
  void release() {
    while (true) {
      CompletableFuture<Boolean> next;
      synchronized (this) {
        next = waiting.poll();
        if (next == null) {
          free++;
          return;
        }
      }
      if (next.complete(true)) {
        return;
      }
    }
  }

  /** An exchange begins; true if it probably goes over a connection that was used before. */
  synchronized boolean takeIdle() {
    if (idle == 0) {
      return false;
    }
    idle--;
    return true;
  }

  /** An exchange ended well, and its connection stays open. */
  synchronized void addIdle() {
    idle++;
  }

  /** What closed one idle connection has likely closed its neighbours, too. */
  synchronized void forgetIdle() {
    idle = 0;
  }
}
