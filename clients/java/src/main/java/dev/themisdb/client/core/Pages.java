package dev.themisdb.client.core;

import dev.themisdb.client.ListedEntity;
import dev.themisdb.client.Urn;
import dev.themisdb.client.generated.EntityList;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What both iterators know: the page at hand and where the next one begins. */
public final class Pages {

  private final ArrayDeque<ListedEntity> buffer = new ArrayDeque<>();
  private @Nullable String cursor;
  private boolean more = true;

  /**
   * At the beginning.
   *
   * @param cursor where to begin, null for the first page
   */
  public Pages(@Nullable String cursor) {
    this.cursor = cursor;
  }

  /**
   * Where the next page begins.
   *
   * @return null for the first page, and after the last
   */
  public @Nullable String cursor() {
    return cursor;
  }

  /**
   * Whether the page at hand is used up.
   *
   * @return true if so
   */
  public boolean isEmpty() {
    return buffer.isEmpty();
  }

  /**
   * Whether there is another page.
   *
   * @return true as far as known
   */
  public boolean hasMore() {
    return more;
  }

  /**
   * Takes a page in.
   *
   * @param page the next one
   */
  public void take(EntityList page) {
    if (!more) {
      // It was closed while this page was under way.
      return;
    }
    List<ListedEntity> entities =
        page.items().stream()
            .map(item -> new ListedEntity(Urn.parse(item.urn()), item.version(), item.doc()))
            .toList();
    buffer.addAll(entities);
    cursor = page.cursor();
    more = cursor != null;
  }

  /**
   * The next entity of the page at hand.
   *
   * @return empty when it is used up
   */
  public Optional<ListedEntity> next() {
    return Optional.ofNullable(buffer.poll());
  }

  /** Forgets the page at hand, and that there are others. */
  public void drop() {
    buffer.clear();
    more = false;
  }
}
