package dev.themisdb.client.core;

import dev.themisdb.client.CallOptions;
import dev.themisdb.client.CollectionSettings;
import dev.themisdb.client.ListOptions;
import dev.themisdb.client.ListedEntity;
import dev.themisdb.client.NamespaceSettings;
import dev.themisdb.client.ReadOptions;
import dev.themisdb.client.Urn;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.errors.InvalidUrnException;
import dev.themisdb.client.generated.Collection;
import dev.themisdb.client.generated.CollectionAlter;
import dev.themisdb.client.generated.CollectionCount;
import dev.themisdb.client.generated.CollectionCreate;
import dev.themisdb.client.generated.CollectionList;
import dev.themisdb.client.generated.CollectionOptionsChange;
import dev.themisdb.client.generated.Dropped;
import dev.themisdb.client.generated.EntityList;
import dev.themisdb.client.generated.Model;
import dev.themisdb.client.generated.Namespace;
import dev.themisdb.client.generated.NamespaceAlter;
import dev.themisdb.client.generated.NamespaceCreate;
import dev.themisdb.client.generated.NamespaceList;
import dev.themisdb.client.generated.NamespaceOptionsChange;
import dev.themisdb.client.generated.Operation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The catalogue, counting and listing, as flows. */
public final class CollectionFlows {

  private static final int PAGE_OF_NAMES = 1000;

  private CollectionFlows() {}

  // Namespaces

  /**
   * POST /namespaces.
   *
   * @param core the client's state
   * @param name the name
   * @param settings the options to set
   * @param options the call's
   * @return the namespace
   */
  public static Step<Namespace> createNamespace(
      Core core, String name, NamespaceSettings settings, CallOptions options) {
    NamespaceCreate body = new NamespaceCreate(namespaceName(name), change(settings));
    return change(
        core,
        Operation.CREATE_NAMESPACE,
        Operation.CREATE_NAMESPACE.path(),
        body,
        Namespace.class,
        options);
  }

  /**
   * GET /namespaces/{namespace}.
   *
   * @param core the client's state
   * @param name the name
   * @param options the call's
   * @return the namespace
   */
  public static Step<Namespace> getNamespace(Core core, String name, CallOptions options) {
    String target = Targets.path(Operation.GET_NAMESPACE, namespaceName(name));
    return fetch(core, Operation.GET_NAMESPACE, target, Namespace.class, options.timeout());
  }

  /**
   * All pages of GET /namespaces.
   *
   * @param core the client's state
   * @param options the call's
   * @return all namespaces, by name
   */
  public static Step<List<Namespace>> listNamespaces(Core core, CallOptions options) {
    return new Names<>(
            core,
            Operation.LIST_NAMESPACES,
            Operation.LIST_NAMESPACES.path(),
            NamespaceList.class,
            NamespaceList::items,
            NamespaceList::cursor,
            options.timeout())
        .next(null);
  }

  /**
   * PATCH /namespaces/{namespace}.
   *
   * @param core the client's state
   * @param name the name
   * @param settings the options to set
   * @param options the call's
   * @return the namespace
   */
  public static Step<Namespace> alterNamespace(
      Core core, String name, NamespaceSettings settings, CallOptions options) {
    String target = Targets.path(Operation.ALTER_NAMESPACE, namespaceName(name));
    NamespaceAlter body = new NamespaceAlter(change(settings));
    return change(core, Operation.ALTER_NAMESPACE, target, body, Namespace.class, options);
  }

  /**
   * DELETE /namespaces/{namespace}.
   *
   * @param core the client's state
   * @param name the name
   * @param force whether to drop its collections with it
   * @param options the call's
   * @return its name
   */
  public static Step<String> dropNamespace(
      Core core, String name, boolean force, CallOptions options) {
    String target = Targets.path(Operation.DROP_NAMESPACE, namespaceName(name));
    target = force ? target + "?force=true" : target;
    return change(core, Operation.DROP_NAMESPACE, target, null, Dropped.class, options)
        .map(Dropped::dropped);
  }

  // Collections

  /**
   * POST /namespaces/{namespace}/collections.
   *
   * @param core the client's state
   * @param name the name
   * @param model the model
   * @param settings the options to set
   * @param options the call's
   * @return the collection
   */
  public static Step<Collection> createCollection(
      Core core, String name, String model, CollectionSettings settings, CallOptions options) {
    if (!Urn.MODELS.contains(model)) {
      throw new ConfigurationException(
          "the model is one of " + String.join(", ", Urn.MODELS) + ", not '" + model + "'");
    }
    Checks.name(name, "collection");
    CollectionCreate body = new CollectionCreate(name, Model.of(model), change(settings));
    String target = Targets.path(Operation.CREATE_COLLECTION, core.namespace(options.namespace()));
    return change(core, Operation.CREATE_COLLECTION, target, body, Collection.class, options);
  }

  /**
   * GET /namespaces/{namespace}/collections/{collection}.
   *
   * @param core the client's state
   * @param name the name
   * @param options the call's
   * @return the collection
   */
  public static Step<Collection> getCollection(Core core, String name, CallOptions options) {
    String target = collectionPath(core, Operation.GET_COLLECTION, options.namespace(), name);
    return fetch(core, Operation.GET_COLLECTION, target, Collection.class, options.timeout());
  }

  /**
   * All pages of GET /namespaces/{namespace}/collections.
   *
   * @param core the client's state
   * @param options the call's
   * @return all collections, by name
   */
  public static Step<List<Collection>> listCollections(Core core, CallOptions options) {
    return new Names<>(
            core,
            Operation.LIST_COLLECTIONS,
            Targets.path(Operation.LIST_COLLECTIONS, core.namespace(options.namespace())),
            CollectionList.class,
            CollectionList::items,
            CollectionList::cursor,
            options.timeout())
        .next(null);
  }

  /**
   * PATCH /namespaces/{namespace}/collections/{collection}.
   *
   * @param core the client's state
   * @param name the name
   * @param settings the options to set
   * @param options the call's
   * @return the collection
   */
  public static Step<Collection> alterCollection(
      Core core, String name, CollectionSettings settings, CallOptions options) {
    String target = collectionPath(core, Operation.ALTER_COLLECTION, options.namespace(), name);
    CollectionAlter body = new CollectionAlter(change(settings));
    return change(core, Operation.ALTER_COLLECTION, target, body, Collection.class, options);
  }

  /**
   * DELETE /namespaces/{namespace}/collections/{collection}.
   *
   * @param core the client's state
   * @param name the name
   * @param options the call's
   * @return its name
   */
  public static Step<String> dropCollection(Core core, String name, CallOptions options) {
    String target = collectionPath(core, Operation.DROP_COLLECTION, options.namespace(), name);
    return change(core, Operation.DROP_COLLECTION, target, null, Dropped.class, options)
        .map(Dropped::dropped);
  }

  /**
   * GET /namespaces/{namespace}/collections/{collection}/count.
   *
   * @param core the client's state
   * @param name the name
   * @param options the call's
   * @return the counts
   */
  public static Step<CollectionCount> countCollection(Core core, String name, ReadOptions options) {
    String path = collectionPath(core, Operation.COUNT_COLLECTION, options.namespace(), name);
    Freshness freshness = core.freshness(options.consistency(), options.maxLag());
    String target = Targets.withQuery(path, freshness.parameters());
    Call call = new Call(Operation.COUNT_COLLECTION, target, core.timeoutNanos(options.timeout()));
    call.reads(freshness);
    return Course.perform(core, call).map(answer -> answer.decoded(CollectionCount.class));
  }

  /**
   * Refuses a walk whose options do not go together with the client's; throws
   * ConfigurationException.
   *
   * @param core the client's state
   * @param options the walk's
   */
  public static void check(Core core, ListOptions options) {
    core.freshness(options.consistency(), options.maxLag());
  }

  /**
   * One page of GET /namespaces/{namespace}/collections/{collection}/entities.
   *
   * @param core the client's state
   * @param name the name
   * @param options the walk's
   * @param pages where the walk stands
   * @return the page, which the walk has taken in
   */
  private static Step<EntityList> listPage(
      Core core, String name, ListOptions options, Pages pages) {
    String cursor = pages.cursor();
    List<String> parameters = new ArrayList<>();
    parameters.add("limit=" + options.pageSize());
    if (!options.documents()) {
      parameters.add("include=version");
    }
    if (cursor != null) {
      parameters.add("cursor=" + Targets.quoted(cursor));
    }
    Freshness freshness = core.freshness(options.consistency(), options.maxLag());
    parameters.addAll(freshness.parameters());
    String path = collectionPath(core, Operation.LIST_ENTITIES, options.namespace(), name);
    String target = Targets.withQuery(path, parameters);
    Call call = new Call(Operation.LIST_ENTITIES, target, core.timeoutNanos(options.timeout()));
    call.reads(freshness);
    return Course.perform(core, call)
        .map(
            answer -> {
              EntityList page = answer.decoded(EntityList.class);
              try {
                pages.take(page);
              } catch (InvalidUrnException e) {
                throw answer.malformed("an item has no URN: " + e.getMessage());
              }
              return page;
            });
  }

  /**
   * The next entity of a walk, from the page at hand or the one after it.
   *
   * @param core the client's state
   * @param name the collection
   * @param options the walk's
   * @param pages where the walk stands
   * @return empty at the end
   */
  public static Step<Optional<ListedEntity>> nextEntity(
      Core core, String name, ListOptions options, Pages pages) {
    if (!pages.isEmpty() || !pages.hasMore()) {
      return Step.done(pages.next());
    }
    return listPage(core, name, options, pages)
        .then(unused -> nextEntity(core, name, options, pages));
  }

  /** GETs something and decodes it. */
  static <T> Step<T> fetch(
      Core core, Operation operation, String target, Class<T> type, @Nullable Duration timeout) {
    return Course.perform(core, new Call(operation, target, core.timeoutNanos(timeout)))
        .map(answer -> answer.decoded(type));
  }

  private static <T> Step<T> change(
      Core core,
      Operation operation,
      String target,
      @Nullable Object body,
      Class<T> type,
      CallOptions options) {
    Call call = new Call(operation, target, core.timeoutNanos(options.timeout()));
    Headers.addKey(core, call.headers, options);
    call.repeatable = call.headers.containsKey(Headers.IDEMPOTENCY_KEY);
    if (body != null) {
      call.headers.put(Headers.CONTENT_TYPE, Headers.JSON);
      call.body = Json.encodeModel(body);
    }
    return Course.perform(core, call).map(answer -> answer.decoded(type));
  }

  private static NamespaceOptionsChange change(NamespaceSettings settings) {
    return new NamespaceOptionsChange(settings.autoCreateCollections());
  }

  private static CollectionOptionsChange change(CollectionSettings settings) {
    return new CollectionOptionsChange(
        settings.description(), settings.cacheMaxAgeSeconds(), settings.changeFeed());
  }

  private static String namespaceName(String name) {
    return Checks.name(name, "namespace");
  }

  private static String collectionPath(
      Core core, Operation operation, @Nullable String namespace, String name) {
    return Targets.path(operation, core.namespace(namespace), Checks.name(name, "collection"));
  }

  /** All pages of a list of names, one after the other. */
  private record Names<P, T>(
      Core core,
      Operation operation,
      String target,
      Class<P> type,
      Function<P, List<T>> items,
      Function<P, @Nullable String> cursor,
      @Nullable Duration timeout,
      List<T> found) {

    Names(
        Core core,
        Operation operation,
        String target,
        Class<P> type,
        Function<P, List<T>> items,
        Function<P, @Nullable String> cursor,
        @Nullable Duration timeout) {
      this(core, operation, target, type, items, cursor, timeout, new ArrayList<>());
    }

    Step<List<T>> next(@Nullable String at) {
      List<String> parameters = new ArrayList<>();
      parameters.add("limit=" + PAGE_OF_NAMES);
      if (at != null) {
        parameters.add("cursor=" + Targets.quoted(at));
      }
      return fetch(core, operation, Targets.withQuery(target, parameters), type, timeout)
          .then(
              page -> {
                found.addAll(items.apply(page));
                String more = cursor.apply(page);
                return more == null ? Step.done(List.copyOf(found)) : next(more);
              });
    }
  }
}
