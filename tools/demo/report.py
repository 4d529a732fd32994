"""What the demo tells a person: what was read back, what to try next."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from tools import tree
from tools.demo.entities import AIRPORTS, FLIGHTS, NAMESPACE, Document
from tools.demo.load import Loaded
from tools.progress import seconds


def counts(results: Sequence[Loaded]) -> str:
    """Draw how many entities each collection holds on the server, and how fast they went in."""
    lines = [f"  {'collection':<10} {'model':<11} {'on the server':>13} {'new':>9} {'time':>9} {'rate':>12}"]
    for result in results:
        rate = f"{result.new / result.took_s:,.0f}/s" if result.new else ""
        took = seconds(result.took_s) if result.new else ""
        name, model = result.table.collection, result.table.model
        lines.append(f"  {name:<10} {model:<11} {result.count:>13,} {result.new:>9,} {took:>9} {rate:>12}")
    new, took_s = sum(result.new for result in results), sum(result.took_s for result in results)
    total = sum(result.count for result in results)
    rate = f"{new / took_s:,.0f}/s" if new else ""
    lines.append(f"  {'all':<10} {'':<11} {total:>13,} {new:>9,} {seconds(took_s):>9} {rate:>12}")
    return "\n".join(lines)


def unknown_airports(unknown: Counter[str]) -> str:
    """Say which edges lead to no airport."""
    named = ", ".join(f"{code} ({count:,} flights)" for code, count in sorted(unknown.items()))
    return (
        f"{len(unknown)} destinations are not among the airports: {named}.\n"
        "Their flights are kept: an edge may lead to an entity that is not there (yet)."
    )


def entity(urn: str, document: Document) -> str:
    """Show one entity on two lines."""
    return f"  {urn}\n    {json.dumps(document, ensure_ascii=False)}"


def next_steps(port: int, data: Path, nodes: int = 1) -> str:
    """Write what to try in another terminal: lines that work as they stand."""
    base = f"http://127.0.0.1:{port}"
    what = "The node runs" if nodes == 1 else f"{nodes} nodes run as one database, the first"
    stops = "the node" if nodes == 1 else "all nodes"
    faults = _cluster_steps(data) if nodes > 1 else ""
    airport, flight = AIRPORTS.urn("JFK"), FLIGHTS.urn("2013-01-01/UA/1545/EWR/IAH/0515")
    collections = f"{base}/namespaces/{NAMESPACE}/collections"
    python = tree.PYTHON.relative_to(tree.ROOT)
    return f"""\
{what} at {base}, with the data in {data}. To try next, in another terminal:

  an airport, and a flight from one to another (a URN is percent-encoded in a path)
    curl -i {base}/entity/{quote(airport, safe="")}
    curl {base}/entity/{quote(flight, safe="")}
  the collections, how many flights, the first of them
    curl {collections}
    curl {collections}/{FLIGHTS.collection}/count
    curl '{collections}/{FLIGHTS.collection}/entities?limit=3'
  what the node measures, and its API
    curl {base}/metrics
    curl {base}/openapi.json

  the same from Python: {python}
    >>> from themis import ThemisClient
    >>> db = ThemisClient(["{base}"], namespace="{NAMESPACE}")
    >>> db.get("{AIRPORTS.model}", "{AIRPORTS.collection}", "{airport[-36:]}")

{faults}Ctrl-C stops {stops}. The data stays: the next ./themis demo finds it loaded."""


def _cluster_steps(data: Path) -> str:
    return f"""\
  end a node as a crash would, look, and start it again: reads and writes go on meanwhile
    ./themis cluster kill 2 --data {data}
    ./themis cluster status --data {data}
    ./themis cluster start 2 --data {data}
  what an operator sees
    .venv/bin/themis-admin status
    .venv/bin/themis-admin shards -o wide

"""
