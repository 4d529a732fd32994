package dev.themisdb.client;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The answer of a batch of reads: documents in the order asked, empty where there is no entity.
 *
 * <p>An item that could not be read is neither: touching its place throws its error, and iterating
 * throws {@link dev.themisdb.client.errors.BatchException} before the first document, so that a
 * failure is never taken for "does not exist".
 */
public final class BatchGetResult extends BatchResult<Entity>
    implements Iterable<Optional<ObjectNode>> {

  private final List<Object> places;

  private BatchGetResult(
      List<Object> places, List<Entity> ok, List<Urn> missing, List<BatchFailure> failed) {
    super(ok, missing, failed, places.size());
    this.places = List.copyOf(places);
  }

  /**
   * Made by the client.
   *
   * @param places an {@link Entity}, a {@link Urn} of what is missing, or a {@link BatchFailure}
   *     for each item asked
   * @return the result
   */
  public static BatchGetResult of(List<Object> places) {
    List<Entity> ok = new ArrayList<>(places.size());
    List<Urn> missing = new ArrayList<>();
    List<BatchFailure> failed = new ArrayList<>();
    for (Object place : places) {
      if (place instanceof Entity entity) {
        ok.add(entity);
      } else if (place instanceof Urn urn) {
        missing.add(urn);
      } else {
        failed.add((BatchFailure) place);
      }
    }
    return new BatchGetResult(places, ok, missing, failed);
  }

  /**
   * How many items were asked for.
   *
   * @return the number of places
   */
  public int size() {
    return places.size();
  }

  /**
   * The document at a place.
   *
   * @param index its place in what was asked, from 0
   * @return the document, empty if there is no such entity
   * @throws dev.themisdb.client.errors.ThemisException the item's own error, if it failed
   */
  public Optional<ObjectNode> get(int index) {
    return entity(index).map(Entity::doc);
  }

  /**
   * The entity at a place.
   *
   * @param index its place in what was asked, from 0
   * @return the entity, empty if there is none
   * @throws dev.themisdb.client.errors.ThemisException the item's own error, if it failed
   */
  public Optional<Entity> entity(int index) {
    Object place = places.get(index);
    if (place instanceof BatchFailure failure) {
      throw failure.error();
    }
    return place instanceof Entity entity ? Optional.of(entity) : Optional.empty();
  }

  /**
   * What was found, by uuid. (In a batch over several collections, by uuid of the last one.)
   *
   * @return the entities in the order asked
   */
  public Map<String, Entity> entities() {
    Map<String, Entity> found = new LinkedHashMap<>();
    ok().forEach(entity -> found.put(entity.urn().uuid(), entity));
    return found;
  }

  /**
   * All documents, if no item failed.
   *
   * @return in the order asked, empty where there is no entity
   * @throws dev.themisdb.client.errors.BatchException if any item failed
   */
  public List<Optional<ObjectNode>> documents() {
    throwIfFailed();
    List<Optional<ObjectNode>> found = new ArrayList<>(places.size());
    for (int i = 0; i < places.size(); i++) {
      found.add(get(i));
    }
    return found;
  }

  @Override
  public Iterator<Optional<ObjectNode>> iterator() {
    return documents().iterator();
  }
}
