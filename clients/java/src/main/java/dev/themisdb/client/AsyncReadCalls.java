package dev.themisdb.client;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.themisdb.client.core.EntityFlows;
import dev.themisdb.client.generated.Model;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** What a client can read of one entity. */
abstract class AsyncReadCalls extends AsyncBatchCalls {

  AsyncReadCalls() {}

  /**
   * Reads a document.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @return the document, empty when there is no such entity
   */
  public CompletableFuture<Optional<ObjectNode>> get(String model, String collection, String uuid) {
    return get(model, collection, uuid, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return the document, empty when there is no such entity
   */
  public CompletableFuture<Optional<ObjectNode>> get(
      String model, String collection, String uuid, ReadOptions options) {
    return run(
        () ->
            EntityFlows.get(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                options));
  }

  /**
   * Reads a document.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @return the document, empty when there is no such entity
   */
  public CompletableFuture<Optional<ObjectNode>> get(Model model, String collection, String uuid) {
    return get(model.wire(), collection, uuid, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return the document, empty when there is no such entity
   */
  public CompletableFuture<Optional<ObjectNode>> get(
      Model model, String collection, String uuid, ReadOptions options) {
    return get(model.wire(), collection, uuid, options);
  }

  /**
   * The same by URN: reads a document.
   *
   * @param urn the URN, or its text
   * @return the document, empty when there is no such entity
   */
  public CompletableFuture<Optional<ObjectNode>> getByUrn(CharSequence urn) {
    return getByUrn(urn, ReadOptions.DEFAULT);
  }

  /**
   * The same by URN: reads a document.
   *
   * @param urn the URN, or its text
   * @param options the options of this call
   * @return the document, empty when there is no such entity
   */
  public CompletableFuture<Optional<ObjectNode>> getByUrn(CharSequence urn, ReadOptions options) {
    return run(() -> EntityFlows.get(core(), Urn.parse(urn), options));
  }

  /**
   * Reads a document as an object.
   *
   * @param <T> what documents are read as
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param type what the document is read as
   * @return the object, empty when there is no such entity
   */
  public <T> CompletableFuture<Optional<T>> get(
      String model, String collection, String uuid, Class<T> type) {
    return get(model, collection, uuid, type, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document as an object.
   *
   * @param <T> what documents are read as
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param type what the document is read as
   * @param options the options of this call
   * @return the object, empty when there is no such entity
   */
  public <T> CompletableFuture<Optional<T>> get(
      String model, String collection, String uuid, Class<T> type, ReadOptions options) {
    return run(
        () ->
            EntityFlows.get(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                type,
                options));
  }

  /**
   * Reads a document as an object.
   *
   * @param <T> what documents are read as
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param type what the document is read as
   * @return the object, empty when there is no such entity
   */
  public <T> CompletableFuture<Optional<T>> get(
      Model model, String collection, String uuid, Class<T> type) {
    return get(model.wire(), collection, uuid, type, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document as an object.
   *
   * @param <T> what documents are read as
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param type what the document is read as
   * @param options the options of this call
   * @return the object, empty when there is no such entity
   */
  public <T> CompletableFuture<Optional<T>> get(
      Model model, String collection, String uuid, Class<T> type, ReadOptions options) {
    return get(model.wire(), collection, uuid, type, options);
  }

  /**
   * The same by URN: reads a document as an object.
   *
   * @param <T> what documents are read as
   * @param urn the URN, or its text
   * @param type what the document is read as
   * @return the object, empty when there is no such entity
   */
  public <T> CompletableFuture<Optional<T>> getByUrn(CharSequence urn, Class<T> type) {
    return getByUrn(urn, type, ReadOptions.DEFAULT);
  }

  /**
   * The same by URN: reads a document as an object.
   *
   * @param <T> what documents are read as
   * @param urn the URN, or its text
   * @param type what the document is read as
   * @param options the options of this call
   * @return the object, empty when there is no such entity
   */
  public <T> CompletableFuture<Optional<T>> getByUrn(
      CharSequence urn, Class<T> type, ReadOptions options) {
    return run(() -> EntityFlows.get(core(), Urn.parse(urn), type, options));
  }

  /**
   * Reads a document with its version.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @return the entity, empty when there is none
   */
  public CompletableFuture<Optional<Entity>> getEntity(
      String model, String collection, String uuid) {
    return getEntity(model, collection, uuid, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document with its version.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return the entity, empty when there is none
   */
  public CompletableFuture<Optional<Entity>> getEntity(
      String model, String collection, String uuid, ReadOptions options) {
    return run(
        () ->
            EntityFlows.getEntity(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                options));
  }

  /**
   * Reads a document with its version.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @return the entity, empty when there is none
   */
  public CompletableFuture<Optional<Entity>> getEntity(
      Model model, String collection, String uuid) {
    return getEntity(model.wire(), collection, uuid, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document with its version.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return the entity, empty when there is none
   */
  public CompletableFuture<Optional<Entity>> getEntity(
      Model model, String collection, String uuid, ReadOptions options) {
    return getEntity(model.wire(), collection, uuid, options);
  }

  /**
   * The same by URN: reads a document with its version.
   *
   * @param urn the URN, or its text
   * @return the entity, empty when there is none
   */
  public CompletableFuture<Optional<Entity>> getEntityByUrn(CharSequence urn) {
    return getEntityByUrn(urn, ReadOptions.DEFAULT);
  }

  /**
   * The same by URN: reads a document with its version.
   *
   * @param urn the URN, or its text
   * @param options the options of this call
   * @return the entity, empty when there is none
   */
  public CompletableFuture<Optional<Entity>> getEntityByUrn(CharSequence urn, ReadOptions options) {
    return run(() -> EntityFlows.getEntity(core(), Urn.parse(urn), options));
  }

  /**
   * Reads a document with its version, unless it has one that the caller knows.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param versions the versions that need not be sent again
   * @return the entity, that it is not modified, or that there is none
   */
  public CompletableFuture<ConditionalRead> getEntityIfNoneMatch(
      String model, String collection, String uuid, VersionMatch versions) {
    return getEntityIfNoneMatch(model, collection, uuid, versions, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document with its version, unless it has one that the caller knows.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param versions the versions that need not be sent again
   * @param options the options of this call
   * @return the entity, that it is not modified, or that there is none
   */
  public CompletableFuture<ConditionalRead> getEntityIfNoneMatch(
      String model, String collection, String uuid, VersionMatch versions, ReadOptions options) {
    return run(
        () ->
            EntityFlows.getEntityIfNoneMatch(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                versions,
                options));
  }

  /**
   * Reads a document with its version, unless it has one that the caller knows.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param versions the versions that need not be sent again
   * @return the entity, that it is not modified, or that there is none
   */
  public CompletableFuture<ConditionalRead> getEntityIfNoneMatch(
      Model model, String collection, String uuid, VersionMatch versions) {
    return getEntityIfNoneMatch(model.wire(), collection, uuid, versions, ReadOptions.DEFAULT);
  }

  /**
   * Reads a document with its version, unless it has one that the caller knows.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param versions the versions that need not be sent again
   * @param options the options of this call
   * @return the entity, that it is not modified, or that there is none
   */
  public CompletableFuture<ConditionalRead> getEntityIfNoneMatch(
      Model model, String collection, String uuid, VersionMatch versions, ReadOptions options) {
    return getEntityIfNoneMatch(model.wire(), collection, uuid, versions, options);
  }

  /**
   * The same by URN: reads a document with its version, unless it has one that the caller knows.
   *
   * @param urn the URN, or its text
   * @param versions the versions that need not be sent again
   * @return the entity, that it is not modified, or that there is none
   */
  public CompletableFuture<ConditionalRead> getEntityIfNoneMatchByUrn(
      CharSequence urn, VersionMatch versions) {
    return getEntityIfNoneMatchByUrn(urn, versions, ReadOptions.DEFAULT);
  }

  /**
   * The same by URN: reads a document with its version, unless it has one that the caller knows.
   *
   * @param urn the URN, or its text
   * @param versions the versions that need not be sent again
   * @param options the options of this call
   * @return the entity, that it is not modified, or that there is none
   */
  public CompletableFuture<ConditionalRead> getEntityIfNoneMatchByUrn(
      CharSequence urn, VersionMatch versions, ReadOptions options) {
    return run(() -> EntityFlows.getEntityIfNoneMatch(core(), Urn.parse(urn), versions, options));
  }

  /**
   * Asks whether there is such an entity.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @return true or false
   */
  public CompletableFuture<Boolean> exists(String model, String collection, String uuid) {
    return exists(model, collection, uuid, ReadOptions.DEFAULT);
  }

  /**
   * Asks whether there is such an entity.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return true or false
   */
  public CompletableFuture<Boolean> exists(
      String model, String collection, String uuid, ReadOptions options) {
    return run(
        () ->
            EntityFlows.exists(
                core(),
                EntityFlows.urn(core(), model, options.namespace(), collection, uuid),
                options));
  }

  /**
   * Asks whether there is such an entity.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @return true or false
   */
  public CompletableFuture<Boolean> exists(Model model, String collection, String uuid) {
    return exists(model.wire(), collection, uuid, ReadOptions.DEFAULT);
  }

  /**
   * Asks whether there is such an entity.
   *
   * @param model the model
   * @param collection the collection
   * @param uuid the uuid
   * @param options the options of this call
   * @return true or false
   */
  public CompletableFuture<Boolean> exists(
      Model model, String collection, String uuid, ReadOptions options) {
    return exists(model.wire(), collection, uuid, options);
  }

  /**
   * The same by URN: asks whether there is such an entity.
   *
   * @param urn the URN, or its text
   * @return true or false
   */
  public CompletableFuture<Boolean> existsByUrn(CharSequence urn) {
    return existsByUrn(urn, ReadOptions.DEFAULT);
  }

  /**
   * The same by URN: asks whether there is such an entity.
   *
   * @param urn the URN, or its text
   * @param options the options of this call
   * @return true or false
   */
  public CompletableFuture<Boolean> existsByUrn(CharSequence urn, ReadOptions options) {
    return run(() -> EntityFlows.exists(core(), Urn.parse(urn), options));
  }
}
