"""The metadata store in an etcd cluster, for those who run one already.

Its one job: say `MetadataStore` in etcd's protocol, whatever happens to etcd. Invariant: a watch loses no change, and
a store that went back in time (restored from a backup) takes no change. Must not know: topology and catalog. Only this
package imports etcd3 and grpc, which come with the extra `etcd`.
"""

from themis_server.metadata.etcd.connection import EtcdSettings
from themis_server.metadata.etcd.rewriting import EtcdRewriting
from themis_server.metadata.etcd.store import EtcdStore, seen_in

__all__ = ["EtcdRewriting", "EtcdSettings", "EtcdStore", "seen_in"]
