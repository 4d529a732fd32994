package dev.themisdb.client.core;

import dev.themisdb.client.BatchFailure;
import dev.themisdb.client.BatchGetResult;
import dev.themisdb.client.BatchResult;
import dev.themisdb.client.CallOptions;
import dev.themisdb.client.DeleteEntry;
import dev.themisdb.client.Entity;
import dev.themisdb.client.PutEntry;
import dev.themisdb.client.ReadOptions;
import dev.themisdb.client.Urn;
import dev.themisdb.client.VersionMatch;
import dev.themisdb.client.WriteResult;
import dev.themisdb.client.core.BatchItems.Item;
import dev.themisdb.client.core.BatchItems.Success;
import dev.themisdb.client.errors.ConfigurationException;
import dev.themisdb.client.errors.EncodingException;
import dev.themisdb.client.errors.InvalidUrnException;
import dev.themisdb.client.generated.Operation;
import dev.themisdb.client.placement.TokenTable;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Many entities with few requests, as flows.
 *
 * <p>A batch is no transaction: each item succeeds or fails on its own, and no item's failure is
 * thrown; the result tells what became of each.
 */
public final class BatchFlows {

  private static final String ANY_UUID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

  private BatchFlows() {}

  /**
   * Uuids of one collection to URNs; refuses at once what is no collection.
   *
   * @param core the client's state
   * @param model the model
   * @param namespace the call's, null for the client's
   * @param collection the collection
   * @return makes a URN of a uuid, or throws InvalidUrnException
   */
  public static Function<CharSequence, Urn> urnMaker(
      Core core, String model, @Nullable String namespace, String collection) {
    Urn any = Urn.of(model, core.namespace(namespace), collection, ANY_UUID);
    return uuid -> any.withUuid(uuid.toString());
  }

  /**
   * Reads many.
   *
   * @param core the client's state
   * @param makeUrn makes a URN of a name
   * @param names what to read
   * @param options the call's
   * @return what became of each
   */
  public static Step<BatchGetResult> get(
      Core core,
      Function<CharSequence, Urn> makeUrn,
      List<? extends CharSequence> names,
      ReadOptions options) {
    long deadline = core.clock.getAsLong() + core.timeoutNanos(options.timeout());
    BatchItems board = new BatchItems(names.size());
    @Nullable Urn[] urns = new Urn[names.size()];
    List<Item> items = collect(names, makeUrn, index -> "", false, urns, board);
    Operation operation = Operation.BATCH_GET;
    Freshness freshness = core.freshness(options.consistency(), options.maxLag());
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put(Headers.CONTENT_TYPE, Headers.JSON);
    BatchRun run =
        new BatchRun(
            core,
            operation,
            Targets.withQuery(operation.path(), freshness.parameters()),
            "{\"urns\":[",
            deadline,
            headers,
            freshness,
            items,
            board);
    return run.run(items).map(done -> readResult(done, urns, names));
  }

  private static BatchGetResult readResult(
      BatchItems board, @Nullable Urn[] urns, List<? extends CharSequence> names) {
    List<Object> places = new ArrayList<>(names.size());
    for (int i = 0; i < names.size(); i++) {
      if (board.outcome(i) instanceof Success success && success.doc() != null) {
        places.add(new Entity(urns[i], success.version(), success.doc(), null, null, null));
      } else if (EntityFlows.ABSENT_CODES.contains(board.code(i))) {
        places.add(urns[i]);
      } else {
        places.add(board.failure(i, nameOf(urns, names, i)));
      }
    }
    return BatchGetResult.of(places);
  }

  /**
   * Writes many.
   *
   * @param core the client's state
   * @param makeUrn makes a URN of a name
   * @param entries what to write
   * @param options the call's
   * @return what became of each
   */
  public static Step<BatchResult<WriteResult>> put(
      Core core, Function<CharSequence, Urn> makeUrn, List<PutEntry> entries, CallOptions options) {
    Json json = core.options.json();
    return write(
        core,
        Operation.BATCH_PUT,
        makeUrn,
        entries.stream().map(PutEntry::name).toList(),
        index -> {
          PutEntry entry = entries.get(index);
          byte[] document = json.encodeDocument(entry.document());
          return ",\"doc\":"
              + new String(document, StandardCharsets.UTF_8)
              + condition(entry.ifMatch());
        },
        options);
  }

  /**
   * Deletes many.
   *
   * @param core the client's state
   * @param makeUrn makes a URN of a name
   * @param entries what to delete
   * @param options the call's
   * @return what became of each
   */
  public static Step<BatchResult<WriteResult>> delete(
      Core core,
      Function<CharSequence, Urn> makeUrn,
      List<DeleteEntry> entries,
      CallOptions options) {
    return write(
        core,
        Operation.BATCH_DELETE,
        makeUrn,
        entries.stream().map(DeleteEntry::name).toList(),
        index -> condition(entries.get(index).ifMatch()),
        options);
  }

  private static Step<BatchResult<WriteResult>> write(
      Core core,
      Operation operation,
      Function<CharSequence, Urn> makeUrn,
      List<CharSequence> names,
      IntFunction<String> rest,
      CallOptions options) {
    long deadline = core.clock.getAsLong() + core.timeoutNanos(options.timeout());
    Map<String, String> headers = new LinkedHashMap<>();
    Headers.addKey(core, headers, options);
    headers.put(Headers.CONTENT_TYPE, Headers.JSON);
    BatchItems board = new BatchItems(names.size());
    @Nullable Urn[] urns = new Urn[names.size()];
    List<Item> items = collect(names, makeUrn, rest, true, urns, board);
    BatchRun run =
        new BatchRun(
            core,
            operation,
            operation.path(),
            "{\"items\":[",
            deadline,
            headers,
            Freshness.UNSAID,
            items,
            board);
    return run.run(items).map(done -> writeResult(operation, done, urns, names));
  }

  private static BatchResult<WriteResult> writeResult(
      Operation operation, BatchItems board, @Nullable Urn[] urns, List<CharSequence> names) {
    List<WriteResult> ok = new ArrayList<>(names.size());
    List<Urn> missing = new ArrayList<>();
    List<BatchFailure> failed = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      if (board.outcome(i) instanceof Success success) {
        ok.add(new WriteResult(urns[i], success.version(), null, false));
      } else if (operation == Operation.BATCH_DELETE
          && EntityFlows.ABSENT_CODES.contains(board.code(i))) {
        missing.add(urns[i]);
      } else {
        failed.add(board.failure(i, nameOf(urns, names, i)));
      }
    }
    return new BatchResult<>(ok, missing, failed, names.size());
  }

  /** Names and encodes each item; one that cannot be is its own failure. */
  private static List<Item> collect(
      List<? extends CharSequence> names,
      Function<CharSequence, Urn> makeUrn,
      IntFunction<String> rest,
      boolean asObject,
      @Nullable Urn[] urns,
      BatchItems board) {
    List<Item> items = new ArrayList<>(names.size());
    for (int i = 0; i < names.size(); i++) {
      try {
        Urn urn = makeUrn.apply(names.get(i));
        urns[i] = urn;
        String text = "\"" + urn + "\"";
        String encoded = asObject ? "{\"urn\":" + text + rest.apply(i) + "}" : text;
        byte[] bytes = encoded.getBytes(StandardCharsets.UTF_8);
        items.add(new Item(i, urn, TokenTable.keyHash(urn.uuid()), bytes));
      } catch (InvalidUrnException | EncodingException | ConfigurationException e) {
        board.note(i, new BatchItems.Failure(e), null);
      }
    }
    return items;
  }

  /** Its URN; what was given instead where that cannot be one. */
  private static String nameOf(
      @Nullable Urn[] urns, List<? extends CharSequence> names, int index) {
    return (urns[index] == null ? names.get(index) : urns[index]).toString();
  }

  private static String condition(@Nullable Long ifMatch) {
    if (ifMatch == null) {
      return "";
    }
    if (ifMatch < 0 || ifMatch > VersionMatch.VERSION_MAX) {
      throw new ConfigurationException(
          "if_match is a version, or 0 for 'must not exist', not " + ifMatch);
    }
    return ",\"if_match\":" + ifMatch;
  }
}
