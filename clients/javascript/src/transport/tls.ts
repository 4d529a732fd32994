/** TLS as a user asks for it becomes what Node's agents take. */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AgentOptions } from "node:https";
import { createSecureContext } from "node:tls";
import { ConfigurationError } from "../errors.js";
import { checkObject, type TlsOptions } from "../options.js";

/** Read the files and check that keys fit certificates; throws ConfigurationError, which repeats no key. */
export function tlsContext(tls: TlsOptions): AgentOptions {
  checkObject(tls, "tls", '{ caFile: "ca.pem" }');
  const ca = tls.ca ?? read(tls.caFile, "caFile");
  const cert = tls.cert ?? read(tls.certFile, "certFile");
  // A key may stand in the same file as its certificate.
  const key = tls.key ?? read(tls.keyFile, "keyFile") ?? cert;
  const context = {
    minVersion: "TLSv1.2" as const,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key }),
    ...(tls.keyPassword === undefined ? {} : { passphrase: tls.keyPassword }),
  };
  try {
    checkAuthorities(ca);
    createSecureContext(context);
  } catch (error) {
    throw new ConfigurationError(`tls: ${(error as Error).message}`);
  }
  return { ...context, ALPNProtocols: ["http/1.1"], rejectUnauthorized: tls.verify ?? true };
}

/** Node takes anything for a list of authorities, and then trusts nobody; this throws if there is no certificate. */
function checkAuthorities(ca: string | undefined): X509Certificate | null {
  return ca === undefined ? null : new X509Certificate(ca);
}

function read(path: string | undefined, option: string): string | undefined {
  if (path === undefined) {
    return undefined;
  }
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(`tls.${option} cannot be read: ${(error as Error).message}`);
  }
}
