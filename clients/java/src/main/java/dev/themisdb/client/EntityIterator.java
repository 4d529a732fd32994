package dev.themisdb.client;

import dev.themisdb.client.core.Pages;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Supplier;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * Entities in the order of their uuids, fetched page by page. For a {@code for} loop, a stream, or
 * a try-with-resources statement.
 *
 * <p>A listing keeps no state on the server: leaving a loop early leaves nothing behind. Not safe
 * for several threads at once.
 */
@SuppressWarnings("IterableAndIterator") // one walk, for loops and for those who take its steps
public final class EntityIterator
    implements Iterator<ListedEntity>, Iterable<ListedEntity>, AutoCloseable {

  private final Pages pages;
  private final Supplier<Optional<ListedEntity>> step;
  private @Nullable ListedEntity ahead;

  EntityIterator(Pages pages, Supplier<Optional<ListedEntity>> step) {
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

  @Override
  public boolean hasNext() {
    if (ahead == null) {
      Optional<ListedEntity> next = pages.isEmpty() ? step.get() : pages.next();
      ahead = next.orElse(null);
    }
    return ahead != null;
  }

  @Override
  public ListedEntity next() {
    ListedEntity next = hasNext() ? ahead : null;
    if (next == null) {
      throw new NoSuchElementException();
    }
    ahead = null;
    return next;
  }

  /**
   * This iterator: there is one walk, and a second loop goes on where the first one stopped.
   *
   * @return this
   */
  @Override
  public Iterator<ListedEntity> iterator() {
    return this;
  }

  /**
   * What is left, as a stream.
   *
   * @return a sequential stream
   */
  public Stream<ListedEntity> stream() {
    int traits = Spliterator.ORDERED | Spliterator.DISTINCT | Spliterator.NONNULL;
    return StreamSupport.stream(Spliterators.spliteratorUnknownSize(this, traits), false);
  }

  /** Stops; the iterator is at its end. */
  @Override
  public void close() {
    ahead = null;
    pages.drop();
  }
}
