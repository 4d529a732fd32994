package dev.themisdb.client;

import dev.themisdb.client.core.Pages;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Entities in the order of their uuids, fetched page by page.
 *
 * <p>A listing keeps no state on the server: leaving it early leaves nothing behind. Ask for the
 * next entity only once the one before is there.
 */
public final class AsyncEntityIterator implements AutoCloseable {

  private final Pages pages;
  private final Supplier<CompletableFuture<Optional<ListedEntity>>> step;

  AsyncEntityIterator(Pages pages, Supplier<CompletableFuture<Optional<ListedEntity>>> step) {
    this.pages = pages;
    this.step = step;
  }

  /**
   * Where the page after the one at hand begins: pass it to {@link ListOptions.Builder#cursor} to
   * go on later.
   *
   * @return the cursor; null before the first page, unless one was given, and after the last
   */
  public @Nullable String cursor() {
    return pages.cursor();
  }

  /**
   * The next entity.
   *
   * @return empty at the end
   */
  public CompletableFuture<Optional<ListedEntity>> next() {
    return pages.isEmpty() && pages.hasMore()
        ? step.get()
        : CompletableFuture.completedFuture(pages.next());
  }

  /**
   * Walks to the end.
   *
   * @param consumer is given each entity, one after the other
   * @return done after the last one
   */
  public CompletableFuture<Void> forEach(Consumer<ListedEntity> consumer) {
    Optional<ListedEntity> ready = pages.next();
    while (ready.isPresent()) {
      consumer.accept(ready.get());
      ready = pages.next();
    }
    return next()
        .thenCompose(
            fetched -> {
              if (fetched.isEmpty()) {
                return CompletableFuture.completedFuture(null);
              }
              consumer.accept(fetched.get());
              return forEach(consumer);
            });
  }

  /** Stops; the iterator is at its end. */
  @Override
  public void close() {
    pages.drop();
  }
}
