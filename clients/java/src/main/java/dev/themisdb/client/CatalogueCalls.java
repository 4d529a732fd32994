package dev.themisdb.client;

import dev.themisdb.client.core.CollectionFlows;
import dev.themisdb.client.core.Pages;
import dev.themisdb.client.generated.Collection;
import dev.themisdb.client.generated.CollectionCount;
import dev.themisdb.client.generated.Model;
import dev.themisdb.client.generated.Namespace;
import java.util.List;

/** What a client can do with collections and namespaces. */
abstract class CatalogueCalls extends AdminCalls {

  CatalogueCalls() {}

  /**
   * Walks through a collection, page by page. No snapshot: what is there from beginning to end is
   * seen exactly once, what is written meanwhile may be or not.
   *
   * @param collection the collection
   * @return all entities of the collection in the order of their uuids
   */
  public EntityIterator iterate(String collection) {
    return iterate(collection, ListOptions.DEFAULT);
  }

  /**
   * Walks through a collection, page by page. No snapshot: what is there from beginning to end is
   * seen exactly once, what is written meanwhile may be or not.
   *
   * @param collection the collection
   * @param options the options of this call
   * @return all entities of the collection in the order of their uuids
   */
  public EntityIterator iterate(String collection, ListOptions options) {
    CollectionFlows.check(core(), options);
    Pages pages = new Pages(options.cursor());
    return new EntityIterator(
        pages, () -> run(() -> CollectionFlows.nextEntity(core(), collection, options, pages)));
  }

  /**
   * Counts the entities of a collection.
   *
   * @param name its name
   * @return the count, and that of each shard
   */
  public CollectionCount countCollection(String name) {
    return countCollection(name, ReadOptions.DEFAULT);
  }

  /**
   * Counts the entities of a collection.
   *
   * @param name its name
   * @param options the options of this call
   * @return the count, and that of each shard
   */
  public CollectionCount countCollection(String name, ReadOptions options) {
    return run(() -> CollectionFlows.countCollection(core(), name, options));
  }

  /**
   * Creates a collection. Fails with {@code AlreadyExistsException} or {@code
   * ModelMismatchException}.
   *
   * @param name its name
   * @param model its model, fixed for its life
   * @return the collection
   */
  public Collection createCollection(String name, String model) {
    return createCollection(name, model, CollectionSettings.DEFAULT, CallOptions.DEFAULT);
  }

  /**
   * Creates a collection. Fails with {@code AlreadyExistsException} or {@code
   * ModelMismatchException}.
   *
   * @param name its name
   * @param model its model, fixed for its life
   * @return the collection
   */
  public Collection createCollection(String name, Model model) {
    return createCollection(name, model.wire(), CollectionSettings.DEFAULT, CallOptions.DEFAULT);
  }

  /**
   * Creates a collection. Fails with {@code AlreadyExistsException} or {@code
   * ModelMismatchException}.
   *
   * @param name its name
   * @param model its model, fixed for its life
   * @param settings what to set of it
   * @param options the options of this call
   * @return the collection
   */
  public Collection createCollection(
      String name, Model model, CollectionSettings settings, CallOptions options) {
    return createCollection(name, model.wire(), settings, options);
  }

  /**
   * Creates a collection. Fails with {@code AlreadyExistsException} or {@code
   * ModelMismatchException}.
   *
   * @param name its name
   * @param model its model, fixed for its life
   * @param settings what to set of it
   * @param options the options of this call
   * @return the collection
   */
  public Collection createCollection(
      String name, String model, CollectionSettings settings, CallOptions options) {
    return run(() -> CollectionFlows.createCollection(core(), name, model, settings, options));
  }

  /**
   * Reads a collection with its model and options. Fails with {@code CollectionNotFoundException}.
   *
   * @param name its name
   * @return the collection
   */
  public Collection getCollection(String name) {
    return getCollection(name, CallOptions.DEFAULT);
  }

  /**
   * Reads a collection with its model and options. Fails with {@code CollectionNotFoundException}.
   *
   * @param name its name
   * @param options the options of this call
   * @return the collection
   */
  public Collection getCollection(String name, CallOptions options) {
    return run(() -> CollectionFlows.getCollection(core(), name, options));
  }

  /**
   * Lists the collections of a namespace.
   *
   * @return all of them, by name
   */
  public List<Collection> listCollections() {
    return listCollections(CallOptions.DEFAULT);
  }

  /**
   * Lists the collections of a namespace.
   *
   * @param options the options of this call
   * @return all of them, by name
   */
  public List<Collection> listCollections(CallOptions options) {
    return run(() -> CollectionFlows.listCollections(core(), options));
  }

  /**
   * Changes the options that are set; the others stay.
   *
   * @param name its name
   * @param settings what to set of it
   * @return the collection
   */
  public Collection alterCollection(String name, CollectionSettings settings) {
    return alterCollection(name, settings, CallOptions.DEFAULT);
  }

  /**
   * Changes the options that are set; the others stay.
   *
   * @param name its name
   * @param settings what to set of it
   * @param options the options of this call
   * @return the collection
   */
  public Collection alterCollection(String name, CollectionSettings settings, CallOptions options) {
    return run(() -> CollectionFlows.alterCollection(core(), name, settings, options));
  }

  /**
   * Drops a collection with its data.
   *
   * @param name its name
   * @return its name
   */
  public String dropCollection(String name) {
    return dropCollection(name, CallOptions.DEFAULT);
  }

  /**
   * Drops a collection with its data.
   *
   * @param name its name
   * @param options the options of this call
   * @return its name
   */
  public String dropCollection(String name, CallOptions options) {
    return run(() -> CollectionFlows.dropCollection(core(), name, options));
  }

  /**
   * Creates a namespace. Fails with {@code AlreadyExistsException}.
   *
   * @param name its name
   * @param settings what to set of it
   * @return the namespace
   */
  public Namespace createNamespace(String name, NamespaceSettings settings) {
    return createNamespace(name, settings, CallOptions.DEFAULT);
  }

  /**
   * Creates a namespace. Fails with {@code AlreadyExistsException}.
   *
   * @param name its name
   * @param settings what to set of it
   * @param options the options of this call
   * @return the namespace
   */
  public Namespace createNamespace(String name, NamespaceSettings settings, CallOptions options) {
    return run(() -> CollectionFlows.createNamespace(core(), name, settings, options));
  }

  /**
   * Reads a namespace with its options. Fails with {@code NamespaceNotFoundException}.
   *
   * @param name its name
   * @return the namespace
   */
  public Namespace getNamespace(String name) {
    return getNamespace(name, CallOptions.DEFAULT);
  }

  /**
   * Reads a namespace with its options. Fails with {@code NamespaceNotFoundException}.
   *
   * @param name its name
   * @param options the options of this call
   * @return the namespace
   */
  public Namespace getNamespace(String name, CallOptions options) {
    return run(() -> CollectionFlows.getNamespace(core(), name, options));
  }

  /**
   * Lists the namespaces.
   *
   * @return all of them, by name
   */
  public List<Namespace> listNamespaces() {
    return listNamespaces(CallOptions.DEFAULT);
  }

  /**
   * Lists the namespaces.
   *
   * @param options the options of this call
   * @return all of them, by name
   */
  public List<Namespace> listNamespaces(CallOptions options) {
    return run(() -> CollectionFlows.listNamespaces(core(), options));
  }

  /**
   * Changes the options that are set; the others stay.
   *
   * @param name its name
   * @param settings what to set of it
   * @return the namespace
   */
  public Namespace alterNamespace(String name, NamespaceSettings settings) {
    return alterNamespace(name, settings, CallOptions.DEFAULT);
  }

  /**
   * Changes the options that are set; the others stay.
   *
   * @param name its name
   * @param settings what to set of it
   * @param options the options of this call
   * @return the namespace
   */
  public Namespace alterNamespace(String name, NamespaceSettings settings, CallOptions options) {
    return run(() -> CollectionFlows.alterNamespace(core(), name, settings, options));
  }

  /**
   * Drops a namespace.
   *
   * @param name its name
   * @param force whether to drop its collections with it; without, a namespace that has some fails
   *     with {@code NamespaceNotEmptyException}
   * @return its name
   */
  public String dropNamespace(String name, boolean force) {
    return dropNamespace(name, force, CallOptions.DEFAULT);
  }

  /**
   * Drops a namespace.
   *
   * @param name its name
   * @param force whether to drop its collections with it; without, a namespace that has some fails
   *     with {@code NamespaceNotEmptyException}
   * @param options the options of this call
   * @return its name
   */
  public String dropNamespace(String name, boolean force, CallOptions options) {
    return run(() -> CollectionFlows.dropNamespace(core(), name, force, options));
  }
}
