/** Random names of requests and writes. */

const ID_BYTES = 16;
const pool = new Uint8Array(ID_BYTES * 256);
let taken = pool.length;

/** A random name for a request or a write: 32 hex digits. */
export function newId(): string {
  if (taken === pool.length) {
    // One call for many ids: each costs a microsecond or more. This one works on pages without TLS, too.
    crypto.getRandomValues(pool);
    taken = 0;
  }
  let id = "";
  for (const end = taken + ID_BYTES; taken < end; taken++) {
    id += HEX[pool[taken] as number] as string;
  }
  return id;
}

const HEX = Array.from({ length: 256 }, (_, value) => value.toString(16).padStart(2, "0"));
