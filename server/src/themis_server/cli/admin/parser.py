"""The verbs of `themis-admin` and their flags."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeAlias

from themis_server.cli.admin import certs, cluster
from themis_server.cli.admin.client import AdminError, Client, TlsFiles
from themis_server.security.certificates import CA_DAYS, NODE_DAYS, CertificateError
from themis_server.security.names import InvalidName

__all__ = ["main"]

_REFUSED: Final = 1
_STOPPED_BY_CTRL_C: Final = 130
_DEFAULT_ENDPOINT: Final = "http://127.0.0.1:8080"
_DAY_S: Final = 86_400
_Verb = Callable[[Client, argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; `argv` is without the program's name.

    Returns 0 when it was done, 1 when not (the reason is on standard error) or when `status` has findings, 2 for wrong
    usage.
    """
    options = _parser().parse_args(argv)
    try:
        offline: Callable[[argparse.Namespace], int] | None = getattr(options, "offline", None)
        if offline is not None:
            return offline(options)
        endpoints = options.endpoint or os.environ.get("THEMIS_ENDPOINT", _DEFAULT_ENDPOINT).split(",")
        client = Client(endpoints, TlsFiles(options.ca, options.cert, options.key), options.request_timeout)
        verb: _Verb = options.verb
        return verb(client, options)
    except (AdminError, CertificateError, InvalidName) as error:
        print(f"themis-admin: {error}", file=sys.stderr)
        return _REFUSED
    except KeyboardInterrupt:
        return _STOPPED_BY_CTRL_C


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="themis-admin",
        description="Look after a cluster of ThemisDB.",
        epilog=f"Nodes are found by --endpoint, else by THEMIS_ENDPOINT, else at {_DEFAULT_ENDPOINT}.",
        allow_abbrev=False,
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    _online(verbs, "status", "show at one look how the cluster is", cluster.status)
    _online(verbs, "nodes", "list the nodes", cluster.nodes)
    _on_node(verbs, "node", "describe a node", cluster.node_show)
    _online(verbs, "shards", "list the shards", cluster.shards)
    shard = verbs.add_parser("shard", help="describe a shard", allow_abbrev=False)
    shown = _online(
        shard.add_subparsers(metavar="COMMAND", required=True), "show", "describe a shard", cluster.shard_show
    )
    shown.add_argument("shard", metavar="SHARD", help="its id, e.g. shard_001")

    command = _online(verbs, "transfer-leader", "let another node lead a shard", cluster.transfer_leader)
    command.add_argument("shard", metavar="SHARD", help="its id")
    command.add_argument("node", metavar="NODE", nargs="?", help="who shall lead (default: the voter that is furthest)")

    command = _waiting(_online(verbs, "add-node", "admit a node: make its join token", cluster.add_node))
    command.add_argument("node", metavar="NODE", help="the name that it will have")
    command.add_argument("--ttl", metavar="SECONDS", type=int, default=_DAY_S, help="how long the token is good")

    _waiting(_on_node(verbs, "drain", "move everything off a node", cluster.drain))
    _on_node(verbs, "undrain", "let a node that is drained stay", cluster.undrain)
    command = _waiting(_on_node(verbs, "remove-node", "take a node out for good", cluster.remove_node))
    command.add_argument("--force", action="store_true", help="although it holds replicas: it will never come back")

    command = _waiting(_online(verbs, "replace-replica", "move a replica to another node", cluster.replace_replica))
    command.add_argument("shard", metavar="SHARD", help="its id")
    command.add_argument("source", metavar="FROM", help="the node that has the replica")
    command.add_argument("target", metavar="TO", nargs="?", help="the node that gets it (default: the cluster chooses)")

    command = _waiting(_online(verbs, "set-replicas", "set how many replicas shards have", cluster.set_replicas))
    command.add_argument("count", metavar="N", type=int, help="how many; an odd number is best")

    _add_tokens(verbs)
    _add_certs(verbs)
    return parser


_Actions: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _online(verbs: _Actions, name: str, about: str, verb: _Verb) -> argparse.ArgumentParser:
    command = verbs.add_parser(name, help=about, description=about, allow_abbrev=False)
    command.add_argument(
        "--endpoint", metavar="URL", action="append", help="a node; may be repeated, the first that answers is asked"
    )
    command.add_argument("--ca", metavar="FILE", type=Path, help="authority of the nodes' HTTPS certificates (PEM)")
    command.add_argument("--cert", metavar="FILE", type=Path, help="certificate to show them (PEM)")
    command.add_argument("--key", metavar="FILE", type=Path, help="its private key (PEM)")
    command.add_argument(
        "--request-timeout", metavar="SECONDS", type=float, default=15.0, help="for one request (default: 15)"
    )
    command.add_argument(
        "-o", "--output", choices=("table", "wide", "json", "yaml"), default="table", help="how to show it"
    )
    command.set_defaults(verb=verb, wait=False)
    return command


def _on_node(verbs: _Actions, name: str, about: str, verb: _Verb) -> argparse.ArgumentParser:
    command = _online(verbs, name, about, verb)
    command.add_argument("node", metavar="NODE", help="its id")
    return command


def _waiting(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--wait", action="store_true", help="until it is done")
    command.add_argument("--timeout", metavar="SECONDS", type=float, default=600.0, help="for --wait (default: 600)")
    return command


def _add_tokens(verbs: _Actions) -> None:
    tokens = verbs.add_parser("join-token", help="make, list and revoke join tokens", allow_abbrev=False)
    actions = tokens.add_subparsers(title="commands", metavar="COMMAND", required=True)
    create = _online(actions, "create", "make a join token, and print it once", cluster.create_token)
    create.add_argument("--ttl", metavar="SECONDS", type=int, default=_DAY_S, help="how long it is good (a day)")
    create.add_argument("--description", metavar="TEXT", default="", help="what it is for")
    _online(actions, "list", "list the tokens that are good", cluster.list_tokens)
    revoke = _online(actions, "revoke", "revoke a token", cluster.revoke_token)
    revoke.add_argument("token_id", metavar="ID", help="its id, as `list` shows it")


def _add_certs(verbs: _Actions) -> None:
    made = verbs.add_parser("certs", help="make certificates for nodes and clients", allow_abbrev=False)
    actions = made.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def add(name: str, about: str, offline: Callable[[argparse.Namespace], int], days: int) -> argparse.ArgumentParser:
        command = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        command.add_argument("--dir", metavar="DIR", type=Path, default=Path("certs"), help="of the authority (certs)")
        command.add_argument("--days", metavar="N", type=int, default=days, help=f"how long it is good ({days})")
        command.set_defaults(offline=offline)
        return command

    ca = add("ca", "make a cluster's certificate authority", certs.make_ca, CA_DAYS)
    ca.add_argument("--cluster", metavar="NAME", default="themis", help="node.cluster of its nodes (themis)")
    node = add("node", "issue a node's certificate", certs.issue_node, NODE_DAYS)
    node.add_argument("node", metavar="NODE", help="node.id of the node")
    node.add_argument(
        "--host",
        metavar="NAME",
        action="append",
        default=[],
        help="a name or address of it, for HTTPS; may be repeated",
    )
    node.add_argument("--into", metavar="DIR", type=Path, help="where the files go (default: beside the authority)")
    client = add("client", "issue a client's certificate", certs.issue_client, NODE_DAYS)
    client.add_argument("name", metavar="NAME", help="whose it is")
    client.add_argument("--into", metavar="DIR", type=Path, help="where the files go (default: beside the authority)")
