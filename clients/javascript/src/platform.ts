/** What differs between platforms; this is Node's side. The browser build puts `platform.browser.ts` in its place. */

import type { ClientOptions } from "./options.js";
import type { Transport } from "./transport/message.js";
import { NodeTransport } from "./transport/node.js";

/** How requests travel when the user brings no transport; throws ConfigurationError. */
export function defaultTransport({ tls, poolSize, connectTimeout }: ClientOptions): Transport {
  return new NodeTransport({ tls, poolSize, connectTimeout });
}
