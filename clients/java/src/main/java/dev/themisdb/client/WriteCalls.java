package dev.themisdb.client;

import dev.themisdb.client.core.EntityFlows;
import dev.themisdb.client.generated.Model;
import java.util.Optional;

/** What a client can write of one entity. */
abstract class WriteCalls extends ReadCalls {

  WriteCalls() {}

  /**
   * Creates or replaces an entity; the write is durable when this is done. Under a condition of the
   * options it fails with {@code PreconditionFailedException}, which says the current version.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param document an {@code ObjectNode}, a map, or an object that Jackson makes a JSON object of
   * @return the write
   */
  public WriteResult put(String model, String collection, String uuid, Object document) {
    return put(model, collection, uuid, document, WriteOptions.DEFAULT);
  }

  /**
   * Creates or replaces an entity; the write is durable when this is done. Under a condition of the
   * options it fails with {@code PreconditionFailedException}, which says the current version.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param document an {@code ObjectNode}, a map, or an object that Jackson makes a JSON object of
   * @param options the options of this call
   * @return the write
   */
  public WriteResult put(
      String model, String collection, String uuid, Object document, WriteOptions options) {
    return run(
        () ->
            EntityFlows.put(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                document,
                options));
  }

  /**
   * Creates or replaces an entity; the write is durable when this is done. Under a condition of the
   * options it fails with {@code PreconditionFailedException}, which says the current version.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param document an {@code ObjectNode}, a map, or an object that Jackson makes a JSON object of
   * @return the write
   */
  public WriteResult put(Model model, String collection, String uuid, Object document) {
    return put(model.wire(), collection, uuid, document, WriteOptions.DEFAULT);
  }

  /**
   * Creates or replaces an entity; the write is durable when this is done. Under a condition of the
   * options it fails with {@code PreconditionFailedException}, which says the current version.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param document an {@code ObjectNode}, a map, or an object that Jackson makes a JSON object of
   * @param options the options of this call
   * @return the write
   */
  public WriteResult put(
      Model model, String collection, String uuid, Object document, WriteOptions options) {
    return put(model.wire(), collection, uuid, document, options);
  }

  /**
   * The same by URN: creates or replaces an entity; the write is durable when this is done. Under a
   * condition of the options it fails with {@code PreconditionFailedException}, which says the
   * current version.
   *
   * @param urn the URN, or its text
   * @param document an {@code ObjectNode}, a map, or an object that Jackson makes a JSON object of
   * @return the write
   */
  public WriteResult putByUrn(CharSequence urn, Object document) {
    return putByUrn(urn, document, WriteOptions.DEFAULT);
  }

  /**
   * The same by URN: creates or replaces an entity; the write is durable when this is done. Under a
   * condition of the options it fails with {@code PreconditionFailedException}, which says the
   * current version.
   *
   * @param urn the URN, or its text
   * @param document an {@code ObjectNode}, a map, or an object that Jackson makes a JSON object of
   * @param options the options of this call
   * @return the write
   */
  public WriteResult putByUrn(CharSequence urn, Object document, WriteOptions options) {
    return run(() -> EntityFlows.put(core(), Urn.parse(urn), document, options));
  }

  /**
   * Changes members of an existing entity (JSON Merge Patch, RFC 7396). Fails with {@code
   * EntityNotFoundException} when there is none.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param changes the merge patch, in the same forms; a null removes its member
   * @return the write
   */
  public WriteResult patch(String model, String collection, String uuid, Object changes) {
    return patch(model, collection, uuid, changes, WriteOptions.DEFAULT);
  }

  /**
   * Changes members of an existing entity (JSON Merge Patch, RFC 7396). Fails with {@code
   * EntityNotFoundException} when there is none.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param changes the merge patch, in the same forms; a null removes its member
   * @param options the options of this call
   * @return the write
   */
  public WriteResult patch(
      String model, String collection, String uuid, Object changes, WriteOptions options) {
    return run(
        () ->
            EntityFlows.patch(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                changes,
                options));
  }

  /**
   * Changes members of an existing entity (JSON Merge Patch, RFC 7396). Fails with {@code
   * EntityNotFoundException} when there is none.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param changes the merge patch, in the same forms; a null removes its member
   * @return the write
   */
  public WriteResult patch(Model model, String collection, String uuid, Object changes) {
    return patch(model.wire(), collection, uuid, changes, WriteOptions.DEFAULT);
  }

  /**
   * Changes members of an existing entity (JSON Merge Patch, RFC 7396). Fails with {@code
   * EntityNotFoundException} when there is none.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param changes the merge patch, in the same forms; a null removes its member
   * @param options the options of this call
   * @return the write
   */
  public WriteResult patch(
      Model model, String collection, String uuid, Object changes, WriteOptions options) {
    return patch(model.wire(), collection, uuid, changes, options);
  }

  /**
   * The same by URN: changes members of an existing entity (JSON Merge Patch, RFC 7396). Fails with
   * {@code EntityNotFoundException} when there is none.
   *
   * @param urn the URN, or its text
   * @param changes the merge patch, in the same forms; a null removes its member
   * @return the write
   */
  public WriteResult patchByUrn(CharSequence urn, Object changes) {
    return patchByUrn(urn, changes, WriteOptions.DEFAULT);
  }

  /**
   * The same by URN: changes members of an existing entity (JSON Merge Patch, RFC 7396). Fails with
   * {@code EntityNotFoundException} when there is none.
   *
   * @param urn the URN, or its text
   * @param changes the merge patch, in the same forms; a null removes its member
   * @param options the options of this call
   * @return the write
   */
  public WriteResult patchByUrn(CharSequence urn, Object changes, WriteOptions options) {
    return run(() -> EntityFlows.patch(core(), Urn.parse(urn), changes, options));
  }

  /**
   * Deletes an entity.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @return the write, empty when there was nothing to delete
   */
  public Optional<WriteResult> delete(String model, String collection, String uuid) {
    return delete(model, collection, uuid, WriteOptions.DEFAULT);
  }

  /**
   * Deletes an entity.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return the write, empty when there was nothing to delete
   */
  public Optional<WriteResult> delete(
      String model, String collection, String uuid, WriteOptions options) {
    return run(
        () ->
            EntityFlows.delete(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                options));
  }

  /**
   * Deletes an entity.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @return the write, empty when there was nothing to delete
   */
  public Optional<WriteResult> delete(Model model, String collection, String uuid) {
    return delete(model.wire(), collection, uuid, WriteOptions.DEFAULT);
  }

  /**
   * Deletes an entity.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return the write, empty when there was nothing to delete
   */
  public Optional<WriteResult> delete(
      Model model, String collection, String uuid, WriteOptions options) {
    return delete(model.wire(), collection, uuid, options);
  }

  /**
   * The same by URN: deletes an entity.
   *
   * @param urn the URN, or its text
   * @return the write, empty when there was nothing to delete
   */
  public Optional<WriteResult> deleteByUrn(CharSequence urn) {
    return deleteByUrn(urn, WriteOptions.DEFAULT);
  }

  /**
   * The same by URN: deletes an entity.
   *
   * @param urn the URN, or its text
   * @param options the options of this call
   * @return the write, empty when there was nothing to delete
   */
  public Optional<WriteResult> deleteByUrn(CharSequence urn, WriteOptions options) {
    return run(() -> EntityFlows.delete(core(), Urn.parse(urn), options));
  }
}
