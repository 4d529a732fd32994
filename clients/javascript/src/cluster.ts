/** What the cluster says about itself. */

import type { Topology, VersionInfo } from "./_generated/models.js";
import { OPERATIONS } from "./_generated/operations.js";
import { fetchRecord, pathOf } from "./collections.js";
import { type Answer, type Core, perform } from "./core.js";
import { decoded, limitsOf } from "./entities.js";
import { TimeoutError, TransportError } from "./errors.js";
import { type CallOptions, parseEndpoint } from "./options.js";
import { isTopology, isVersionInfo } from "./shapes.js";
import { TopologyView } from "./topology.js";

/** How one node is. */
export interface NodeHealth {
  /** The node that was asked. */
  readonly endpoint: string;
  /** Whether it answered at all. */
  readonly live: boolean;
  /** Whether it takes requests. */
  readonly ready: boolean;
  /** Why not, "" when it does: an error code (`not_ready`, `shutting_down`) or what went wrong on the way. */
  readonly reason: string;
}

/** Options of `health`. */
export interface HealthOptions extends CallOptions {
  /** The node to ask; any by default. */
  readonly endpoint?: string;
}

const NOT_READY: ReadonlySet<number> = new Set([503]);

/** GET /topology; the client's own routing learns from it. */
export async function topology(core: Core, options: CallOptions): Promise<Topology> {
  const answer = await perform(core, {
    operation: OPERATIONS.getTopology,
    target: pathOf("getTopology"),
    ...limitsOf(core, options),
  });
  const found = decoded(core, answer, isTopology, "topology");
  try {
    core.router.install(new TopologyView(found));
  } catch (error) {
    throw answer.malformed(`the topology makes no sense: ${(error as RangeError).message}`);
  }
  return found;
}

/** GET /health/ready of one node, asked once. */
export async function health(core: Core, options: HealthOptions): Promise<NodeHealth> {
  const node = options.endpoint === undefined ? core.router.choose() : parseEndpoint(options.endpoint);
  const endpoint = node.url;
  let answer: Answer;
  try {
    answer = await perform(core, {
      operation: OPERATIONS.getReady,
      target: pathOf("getReady"),
      ...limitsOf(core, options),
      endpoint: node,
      expected: NOT_READY,
      retriesMax: 0,
    });
  } catch (error) {
    if (error instanceof TransportError || error instanceof TimeoutError) {
      return { endpoint, live: false, ready: false, reason: error.summary };
    }
    throw error;
  }
  const ready = answer.response.status !== 503;
  return { endpoint, live: true, ready, reason: ready ? "" : answer.problemCode() || "status_503" };
}

/** GET /version. */
export async function version(core: Core, options: CallOptions): Promise<VersionInfo> {
  return fetchRecord(core, "getVersion", pathOf("getVersion"), isVersionInfo, options);
}

/** GET /metrics, as text. */
export async function metrics(core: Core, options: CallOptions): Promise<string> {
  const answer = await perform(core, {
    operation: OPERATIONS.getMetrics,
    target: pathOf("getMetrics"),
    ...limitsOf(core, options),
    headers: { Accept: "text/plain" },
  });
  return new TextDecoder().decode(answer.response.body);
}
