package dev.themisdb.client;

import dev.themisdb.client.core.BatchFlows;
import dev.themisdb.client.generated.Model;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** What a client can do with many entities at once. */
abstract class AsyncBatchCalls extends AsyncCatalogueCalls {

  AsyncBatchCalls() {}

  /**
   * Reads many entities; no item's failure is thrown.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuids the uuids
   * @return documents in the order asked
   */
  public CompletableFuture<BatchGetResult> batchGet(
      String model, String collection, Collection<String> uuids) {
    return batchGet(model, collection, uuids, ReadOptions.DEFAULT);
  }

  /**
   * Reads many entities; no item's failure is thrown.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param uuids the uuids
   * @param options the options of this call
   * @return documents in the order asked
   */
  public CompletableFuture<BatchGetResult> batchGet(
      String model, String collection, Collection<String> uuids, ReadOptions options) {
    List<CharSequence> names = List.copyOf(uuids);
    return run(
        () ->
            BatchFlows.get(
                core(),
                BatchFlows.urnMaker(core(), model, options.namespace(), collection),
                names,
                options));
  }

  /**
   * Reads many entities; no item's failure is thrown.
   *
   * @param model the model
   * @param collection the collection
   * @param uuids the uuids
   * @return documents in the order asked
   */
  public CompletableFuture<BatchGetResult> batchGet(
      Model model, String collection, Collection<String> uuids) {
    return batchGet(model.wire(), collection, uuids, ReadOptions.DEFAULT);
  }

  /**
   * Reads many entities; no item's failure is thrown.
   *
   * @param model the model
   * @param collection the collection
   * @param uuids the uuids
   * @param options the options of this call
   * @return documents in the order asked
   */
  public CompletableFuture<BatchGetResult> batchGet(
      Model model, String collection, Collection<String> uuids, ReadOptions options) {
    return batchGet(model.wire(), collection, uuids, options);
  }

  /**
   * Reads many entities; no item's failure is thrown. By URN, from any collections.
   *
   * @param urns the URNs, or their texts
   * @return documents in the order asked
   */
  public CompletableFuture<BatchGetResult> batchGetByUrn(Collection<? extends CharSequence> urns) {
    return batchGetByUrn(urns, ReadOptions.DEFAULT);
  }

  /**
   * Reads many entities; no item's failure is thrown. By URN, from any collections.
   *
   * @param urns the URNs, or their texts
   * @param options the options of this call
   * @return documents in the order asked
   */
  public CompletableFuture<BatchGetResult> batchGetByUrn(
      Collection<? extends CharSequence> urns, ReadOptions options) {
    List<CharSequence> names = List.copyOf(urns);
    return run(() -> BatchFlows.get(core(), Urn::parse, names, options));
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param entries uuids with their documents and conditions
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPut(
      String model, String collection, Collection<PutEntry> entries) {
    return batchPut(model, collection, entries, CallOptions.DEFAULT);
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param entries uuids with their documents and conditions
   * @param options the options of this call
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPut(
      String model, String collection, Collection<PutEntry> entries, CallOptions options) {
    List<PutEntry> items = List.copyOf(entries);
    return run(
        () ->
            BatchFlows.put(
                core(),
                BatchFlows.urnMaker(core(), model, options.namespace(), collection),
                items,
                options));
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown.
   *
   * @param model the model
   * @param collection the collection
   * @param entries uuids with their documents and conditions
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPut(
      Model model, String collection, Collection<PutEntry> entries) {
    return batchPut(model.wire(), collection, entries, CallOptions.DEFAULT);
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown.
   *
   * @param model the model
   * @param collection the collection
   * @param entries uuids with their documents and conditions
   * @param options the options of this call
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPut(
      Model model, String collection, Collection<PutEntry> entries, CallOptions options) {
    return batchPut(model.wire(), collection, entries, options);
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown. By URN, from any collections.
   *
   * @param entries URNs with their documents and conditions
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPutByUrn(Collection<PutEntry> entries) {
    return batchPutByUrn(entries, CallOptions.DEFAULT);
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown. By URN, from any collections.
   *
   * @param entries URNs with their documents and conditions
   * @param options the options of this call
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPutByUrn(
      Collection<PutEntry> entries, CallOptions options) {
    List<PutEntry> items = List.copyOf(entries);
    return run(() -> BatchFlows.put(core(), Urn::parse, items, options));
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param documents documents by uuid
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPut(
      String model, String collection, Map<? extends CharSequence, ?> documents) {
    return batchPut(model, collection, BatchEntries.of(documents));
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown.
   *
   * @param model the model
   * @param collection the collection
   * @param documents documents by uuid
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPut(
      Model model, String collection, Map<? extends CharSequence, ?> documents) {
    return batchPut(model, collection, BatchEntries.of(documents));
  }

  /**
   * Creates or replaces many entities; no item's failure is thrown. By URN, in any collections.
   *
   * @param documents documents by URN
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchPutByUrn(
      Map<? extends CharSequence, ?> documents) {
    return batchPutByUrn(BatchEntries.of(documents));
  }

  /**
   * Deletes many entities; no item's failure is thrown.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param entries uuids with their conditions
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchDelete(
      String model, String collection, Collection<DeleteEntry> entries) {
    return batchDelete(model, collection, entries, CallOptions.DEFAULT);
  }

  /**
   * Deletes many entities; no item's failure is thrown.
   *
   * @param model the model: relational, document, graph, vector or timeseries
   * @param collection the collection
   * @param entries uuids with their conditions
   * @param options the options of this call
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchDelete(
      String model, String collection, Collection<DeleteEntry> entries, CallOptions options) {
    List<DeleteEntry> items = List.copyOf(entries);
    return run(
        () ->
            BatchFlows.delete(
                core(),
                BatchFlows.urnMaker(core(), model, options.namespace(), collection),
                items,
                options));
  }

  /**
   * Deletes many entities; no item's failure is thrown.
   *
   * @param model the model
   * @param collection the collection
   * @param entries uuids with their conditions
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchDelete(
      Model model, String collection, Collection<DeleteEntry> entries) {
    return batchDelete(model.wire(), collection, entries, CallOptions.DEFAULT);
  }

  /**
   * Deletes many entities; no item's failure is thrown.
   *
   * @param model the model
   * @param collection the collection
   * @param entries uuids with their conditions
   * @param options the options of this call
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchDelete(
      Model model, String collection, Collection<DeleteEntry> entries, CallOptions options) {
    return batchDelete(model.wire(), collection, entries, options);
  }

  /**
   * Deletes many entities; no item's failure is thrown. By URN, from any collections.
   *
   * @param entries URNs with their conditions
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchDeleteByUrn(
      Collection<DeleteEntry> entries) {
    return batchDeleteByUrn(entries, CallOptions.DEFAULT);
  }

  /**
   * Deletes many entities; no item's failure is thrown. By URN, from any collections.
   *
   * @param entries URNs with their conditions
   * @param options the options of this call
   * @return what became of each
   */
  public CompletableFuture<BatchResult<WriteResult>> batchDeleteByUrn(
      Collection<DeleteEntry> entries, CallOptions options) {
    List<DeleteEntry> items = List.copyOf(entries);
    return run(() -> BatchFlows.delete(core(), Urn::parse, items, options));
  }
}
