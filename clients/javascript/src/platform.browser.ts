/** What differs between platforms; this is the browser's side. */

import { ConfigurationError } from "./errors.js";
import type { ClientOptions } from "./options.js";
import { FetchTransport } from "./transport/fetch.js";
import type { Transport } from "./transport/message.js";

/** How requests travel when the user brings no transport; throws ConfigurationError. */
export function defaultTransport({ tls }: ClientOptions): Transport {
  if (tls !== undefined) {
    throw new ConfigurationError("tls is for Node: a browser verifies servers, and has certificates, by itself");
  }
  return new FetchTransport();
}
