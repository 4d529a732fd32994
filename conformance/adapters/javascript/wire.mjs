// What the SDK gives, in the JSON of the adapter protocol, and the protocol's numbers.

/** A command's JSON with its tagged integers as BigInts. */
export function decode(value) {
  if (Array.isArray(value)) {
    return value.map(decode);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const names = Object.keys(value);
  if (names.length === 1 && names[0] === "$int") {
    return BigInt(value.$int);
  }
  return mapped(names.length === 1 && names[0] === "$literal" ? value.$literal : value, decode);
}

/** A reply's JSON with integers beyond 2^53-1 tagged. */
export function encode(value) {
  if (typeof value === "bigint") {
    return { $int: value.toString() };
  }
  if (typeof value === "number") {
    // Beyond 1e21 JSON.stringify writes an exponent: plainly a float.
    const isLong = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
    return isLong ? { $int: BigInt(value).toString() } : value;
  }
  if (Array.isArray(value)) {
    return value.map(encode);
  }
  if (typeof value !== "object" || value === null) {
    return value;
  }
  const encoded = mapped(value, encode);
  const names = Object.keys(encoded);
  return names.length === 1 && (names[0] === "$int" || names[0] === "$literal") ? { $literal: encoded } : encoded;
}

/** Also a member called `__proto__` is a member. */
function mapped(object, change) {
  const entries = Object.entries(object).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, change(member)]));
}

/** The name that all SDKs have for a kind of error. */
function canonicalName(error) {
  return error.name === "AbortError" ? "Cancelled" : error.name.replace(/Error$/, "");
}

function kindOf(themis, error) {
  const kinds = [
    [themis.ApiError, "api"],
    [themis.TransportError, "transport"],
    [themis.TimeoutError, "timeout"],
    [themis.ConfigurationError, "configuration"],
    [themis.EncodingError, "encoding"],
    [themis.InvalidUrnError, "invalid_urn"],
    [themis.ClientClosedError, "closed"],
    [themis.BatchError, "batch"],
  ];
  const found = kinds.find(([kind]) => error instanceof kind)?.[1];
  return found ?? (error.name === "AbortError" ? "cancelled" : "crash");
}

/** An error as the protocol tells it. */
export function describe(themis, error) {
  const kind = kindOf(themis, error);
  if (kind === "crash") {
    console.error(error);
  }
  const found = { kind, type: canonicalName(error), message: String(error) };
  if (error instanceof themis.CallError) {
    const { attempts, requestId, outcomeUnknown } = error;
    Object.assign(found, {
      attempts,
      request_id: requestId,
      outcome_unknown: outcomeUnknown,
    });
  }
  if (error instanceof themis.ApiError) {
    const { code, status, retryable } = error;
    Object.assign(found, { code, status, retryable });
  }
  if (error instanceof themis.TransportError) {
    found.transport = error.kind;
  }
  if (error instanceof themis.PreconditionFailedError) {
    found.version = error.version;
  }
  if (error instanceof themis.TooLargeError) {
    found.limit = error.limit;
  }
  if (error instanceof themis.LagExceededError) {
    Object.assign(found, { limit: error.limit, lag_ms: error.lagMs });
  }
  if (error instanceof themis.TooManyRequestsError && error.retryAfterMs !== null) {
    found.retry_after_ms = Math.round(error.retryAfterMs);
  }
  if (error instanceof themis.InvalidUrnError) {
    Object.assign(found, { reason: error.reason, position: error.position });
  }
  return found;
}

/** An entity of a batch or a listing. */
export function entity({ urn, version, doc }) {
  return { urn: String(urn), version, doc };
}

/** What a call gave, as the protocol's table of ops says. */
export function shape(themis, op, value) {
  switch (op) {
    case "drop_namespace":
    case "drop_collection":
    case "admin_revoke_join_token":
      return null;
    case "metrics":
      return { text: value };
    case "get_entity":
      if (value === themis.NOT_MODIFIED) {
        return { not_modified: true };
      }
      if (value === null) {
        return null;
      }
      return {
        ...entity(value),
        role: value.role,
        lag_ms: value.lagMs,
        node: value.node,
      };
    case "put":
    case "patch":
    case "delete":
      return value === null ? null : { ...value, urn: String(value.urn) };
    case "batch_get":
      return { places: value.places().map((place) => placeOf(themis, place)) };
    case "batch_put":
    case "batch_delete":
      return {
        ok: value.ok.map(({ urn, version }) => ({ urn: String(urn), version })),
        missing: value.missing.map(String),
        failed: value.failed.map(({ index, urn, error }) => ({
          index,
          name: urn,
          error: describe(themis, error),
        })),
      };
    default:
      return value;
  }
}

function placeOf(themis, place) {
  if (place instanceof themis.BatchFailure) {
    return { error: describe(themis, place.error) };
  }
  return place instanceof themis.Urn ? null : entity(place);
}

/** Hooks that write down what they are told. */
export function recorder(events) {
  return {
    onRequestStart({ operation, method, target, requestId }) {
      events.push({
        event: "start",
        operation,
        method,
        target,
        request_id: requestId,
      });
    },
    onRequestRetry({ operation, requestId, endpoint, attempt, reason, status, waitMs }) {
      const wait = Math.round(waitMs);
      events.push({
        event: "retry",
        operation,
        request_id: requestId,
        endpoint,
        attempt,
        reason,
        status,
        wait_ms: wait,
      });
    },
    onRequestEnd({ operation, requestId, endpoint, attempts, status, error, durationMs }) {
      const name = error === null ? null : canonicalName(error);
      const duration = Math.round(durationMs);
      const facts = {
        operation,
        request_id: requestId,
        endpoint,
        attempts,
        status,
        error: name,
        duration_ms: duration,
      };
      events.push({ event: "end", ...facts });
    },
  };
}

function fail() {
  throw new Error("a hook that fails");
}

/** Hooks with a mistake in them. */
export const failingHooks = {
  onRequestStart: fail,
  onRequestRetry: fail,
  onRequestEnd: fail,
};
