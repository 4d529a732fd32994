// The functions of themis-js for the rules of spec/vectors. Of tokens of writes and of lists of tags it has none: these
// are the server's.

const hex = (hash) => hash.toString(16).padStart(16, "0");

const parts = (tokens) => tokens.map(([token, shardId]) => [BigInt(`0x${token}`), shardId]);

const FUNCTIONS = {
  "urn parse": ({ Urn }, { text }) => {
    const urn = Urn.parse(text);
    const { model, namespace, collection, uuid } = urn;
    return { model, namespace, collection, uuid, text: urn.toString(), quoted: urn.quoted() };
  },
  "hash xxh64": ({ xxh64 }, given) => ({ hash: hex(xxh64(Buffer.from(given.hex, "hex"))) }),
  "hash xxh64_text": ({ xxh64 }, { text }) => ({ hash: hex(xxh64(text)) }),
  "hash key_hash": ({ keyHash }, { uuid }) => ({ hash: hex(keyHash(uuid)) }),
  "ring ring_tokens": ({ ringTokens }, { shard_id: shardId, virtual_nodes: virtualNodes }) => ({
    tokens: ringTokens(shardId, virtualNodes).map(hex),
  }),
  "ring token_table": ({ TokenTable, xxh64 }, { shard_ids: shardIds, virtual_nodes: virtualNodes }) => {
    const tokens = TokenTable.build(shardIds, virtualNodes).toWire();
    const digest = hex(xxh64(tokens.map(([token, shardId]) => `${token} ${shardId}\n`).join("")));
    return { count: tokens.length, first: tokens[0], last: tokens.at(-1), digest, tokens };
  },
  "ring resolve": ({ TokenTable }, { tokens }) => ({ tokens: new TokenTable(parts(tokens)).toWire() }),
  "ring locate": ({ TokenTable }, { tokens, hash }) => ({
    shard_id: new TokenTable(parts(tokens)).shardForHash(BigInt(`0x${hash}`)),
  }),
  "ring locate_built": ({ TokenTable, keyHash }, { shard_ids: shardIds, virtual_nodes: virtualNodes, uuid }) => ({
    hash: hex(keyHash(uuid)),
    shard_id: TokenTable.build(shardIds, virtualNodes).shardForUuid(uuid),
  }),
  "ring ranges": ({ TokenTable }, { tokens, shard_id: shardId }) => ({
    ranges: new TokenTable(parts(tokens)).ranges(shardId).map((range) => range.map(hex)),
  }),
  "ring from_wire": ({ TokenTable }, { tokens }) => ({ count: TokenTable.fromWire(tokens).size }),
  "etag format": ({ formatEtags }, { version }) => ({ etag: formatEtags(Number(version), "version") }),
  "etag parse": ({ parseEtag }, { etag }) => {
    const version = parseEtag(etag);
    if (version === null) {
      throw new RangeError("no version");
    }
    return { version: String(version) };
  },
};

/** The reply to a `vector` command. */
export function applyVector(themis, { rule, op, input }) {
  const apply = FUNCTIONS[`${rule} ${op}`];
  if (apply === undefined) {
    return { absent: true };
  }
  try {
    return { expect: apply(themis, input) };
  } catch (error) {
    if (error instanceof themis.InvalidUrnError) {
      return { refused: { reason: error.reason, position: error.position } };
    }
    if (error instanceof RangeError || error instanceof themis.ThemisError) {
      return { refused: {} };
    }
    throw error;
  }
}
