"""`themis-admin`: what an operator says to a cluster.

parser.py    the verbs and their flags
client.py    one request to the first node that answers
cluster.py   the verbs that look at a cluster and change it
waiting.py   --wait: until what was asked for is so
certs.py     the verbs that make certificates; they talk to nobody
output.py    table, wide, json, yaml
"""

from themis_server.cli.admin.parser import main

__all__ = ["main"]
