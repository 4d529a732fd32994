"""The verbs that make certificates. They work on files and talk to nobody."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from themis_server.cli.output import print_text
from themis_server.security import certificates
from themis_server.security.certificates import Issued


def make_ca(options: argparse.Namespace) -> int:
    """Make a cluster's certificate authority."""
    made = certificates.make_ca(options.dir, options.cluster, now=datetime.now(UTC), valid_days=options.days)
    key = made.file.with_name("ca-key.pem")
    return print_text(
        f"{made.file}  the authority of cluster {made.cluster}: every node gets a copy\n"
        f"{key}  its key: who has it decides who is a node; keep it away from the nodes\n"
    )


def issue_node(options: argparse.Namespace) -> int:
    """Issue a node's certificate."""
    authority = certificates.load_ca(options.dir)
    into = options.into or options.dir
    issued = certificates.issue_node(
        authority, options.node, options.host, into, now=datetime.now(UTC), valid_days=options.days
    )
    return print_text(
        _files(issued)
        + f"\n[peer]\ntls_cert = '{issued.certificate}'\ntls_key = '{issued.key}'\ntls_ca = '{issued.ca}'\n"
    )


def issue_client(options: argparse.Namespace) -> int:
    """Issue a client's certificate, for nodes with http.tls_client_ca."""
    authority = certificates.load_ca(options.dir)
    into = options.into or options.dir
    issued = certificates.issue_client(authority, options.name, into, now=datetime.now(UTC), valid_days=options.days)
    return print_text(_files(issued))


def _files(issued: Issued) -> str:
    return f"{issued.certificate}  certificate\n{issued.key}  private key\n{issued.ca}  the authority\n"
