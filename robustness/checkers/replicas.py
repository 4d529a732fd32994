"""When all is quiet every replica holds the same: the same keys, at the same versions, with the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from robustness.checkers import Verdict, verdict

NAME = "replicas"
_SHOWN_MAX = 5


class Copy(NamedTuple):
    """One entity as a node has it."""

    urn: str
    version: int
    document: bytes


def checksum(copies: Iterable[Copy]) -> str:
    """Return a digest of entities that does not depend on their order."""
    digest = hashlib.blake2b(digest_size=16)
    for copy in sorted(copies):
        for part in (copy.urn.encode(), str(copy.version).encode(), copy.document):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def check(by_node: Mapping[str, Iterable[Copy]], nodes_min: int = 2) -> Verdict:
    """Judge what each node has by itself (eventual reads, asked of that node alone). `checked` counts the copies.

    Args:
        by_node: What each node listed.
        nodes_min: With fewer nodes the verdict is void.
    """
    contents = {node: list(copies) for node, copies in by_node.items()}
    problems = []
    checksums = {node: checksum(copies) for node, copies in contents.items()}
    if len(set(checksums.values())) > 1:
        sums = ", ".join(f"{node} {value[:8]} ({len(contents[node])})" for node, value in sorted(checksums.items()))
        problems.append(f"checksums differ: {sums}")
        problems += _differences(contents)
    checked = sum(map(len, contents.values()))
    found = verdict(NAME, problems, checked)
    return found if len(contents) >= nodes_min or problems else Verdict(NAME, "void", (), checked)


def _differences(contents: Mapping[str, list[Copy]]) -> list[str]:
    versions: dict[str, dict[str, int]] = {}
    documents: dict[tuple[str, int], set[bytes]] = {}
    for node, copies in contents.items():
        for copy in copies:
            versions.setdefault(copy.urn, {})[node] = copy.version
            documents.setdefault((copy.urn, copy.version), set()).add(copy.document)
    problems = []
    for urn, by_node in sorted(versions.items()):
        if len(by_node) < len(contents) or len(set(by_node.values())) > 1:
            told = ", ".join(f"{node}: {by_node.get(node, 'none')}" for node in sorted(contents))
            problems.append(f"{urn} is at {told}")
    problems += [
        f"{urn} has {len(found)} different documents at version {at}"
        for (urn, at), found in sorted(documents.items(), key=lambda entry: entry[0])
        if len(found) > 1
    ]
    return problems[:_SHOWN_MAX]
