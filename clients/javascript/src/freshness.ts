/** How fresh a read must be: what a call says of it over what its client says. */

import { ConfigurationError } from "./errors.js";

/**
 * How fresh a read must be: `strong` (as by default), at most `maxLagMs` behind (`bounded`), or whatever (`eventual`).
 */
export type Consistency = "strong" | "bounded" | "eventual";

/** Says how fresh reads must be. */
export interface FreshnessOptions {
  readonly consistency?: Consistency;
  readonly maxLagMs?: number;
}

const CONSISTENCIES: readonly unknown[] = ["strong", "bounded", "eventual"];
const LAG_MS_MAX = 3_600_000;

/** How fresh a read must be, checked. */
export class Freshness {
  readonly #consistency: Consistency | undefined;
  readonly #maxLagMs: number | undefined;
  /** Whether a lagging replica may answer; one that may not lag at all is the leader. */
  readonly anyReplica: boolean;
  /** As query parameters. */
  readonly parameters: readonly string[];

  /** @throws ConfigurationError for what does not go together. */
  constructor({ consistency, maxLagMs }: FreshnessOptions = {}) {
    const parameters: string[] = [];
    if (consistency !== undefined) {
      if (!CONSISTENCIES.includes(consistency)) {
        throw new ConfigurationError(`consistency is strong, bounded or eventual, not ${JSON.stringify(consistency)}`);
      }
      parameters.push(`consistency=${consistency}`);
    }
    if (maxLagMs !== undefined) {
      if (consistency !== "bounded") {
        throw new ConfigurationError('maxLagMs goes with consistency: "bounded"');
      }
      if (!Number.isSafeInteger(maxLagMs) || maxLagMs < 0 || maxLagMs > LAG_MS_MAX) {
        throw new ConfigurationError(`maxLagMs is a whole number of milliseconds, 0 to ${String(LAG_MS_MAX)}`);
      }
      parameters.push(`max_lag_ms=${String(maxLagMs)}`);
    }
    this.#consistency = consistency;
    this.#maxLagMs = maxLagMs;
    this.anyReplica = consistency === "eventual" || (consistency === "bounded" && maxLagMs !== 0);
    this.parameters = parameters;
  }

  /** What a call asks for, where this is its client's; throws ConfigurationError. */
  under(call: FreshnessOptions): Freshness {
    if (call.consistency === undefined && call.maxLagMs === undefined) {
      return this;
    }
    const consistency = call.consistency ?? this.#consistency;
    const maxLagMs = call.maxLagMs ?? (consistency === "bounded" ? this.#maxLagMs : undefined);
    return new Freshness({
      ...(consistency === undefined ? {} : { consistency }),
      ...(maxLagMs === undefined ? {} : { maxLagMs }),
    });
  }

  /** A target that ends in these parameters, as that of a strong read. */
  strengthened(target: string): string {
    return `${target.slice(0, target.length - this.parameters.join("&").length)}consistency=strong`;
  }
}

/** How fresh a read is when nobody says otherwise. */
export const STRONG = new Freshness();
