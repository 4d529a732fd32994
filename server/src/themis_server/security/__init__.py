"""Who may speak: certificates of nodes and clients, TLS between nodes, tokens to join.

Its one job is to make and to check proofs of identity. Invariant: a private key and a token never leave through a log
or an error message, and nothing here falls back to less than was asked for. Must not know: sockets, the topology, HTTP.

    names         what a certificate says about its holder (`themis://CLUSTER/node/NODE`)
    certificates  makes the cluster's CA and certificates of it; the only importer of `cryptography`
    tls           TLS 1.3 with a certificate on both sides, from PEM files
    tokens        join tokens: made, kept as a hash, checked
"""
