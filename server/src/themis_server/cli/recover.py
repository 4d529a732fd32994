"""`themis-server recover survey|plan|apply`: going on after the majority of the voters was lost for good."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from themis_server.cli.output import print_text

if TYPE_CHECKING:
    from themis_server.metadata.recovery import GroupPlan, Plan

__all__ = ["apply", "plan", "survey"]

_REFUSED: Final = 1
_HEADS: Final = (
    "GROUP",
    "ACTION",
    "VOTERS",
    "GONE",
    "GOES ON WITH",
    "LAST ENTRY",
    "LAST WRITE",
    "UNDECIDED",
    "DISCARDED",
)
_CONFIRM: Final = "--yes-data-may-be-lost"


def survey(arguments: argparse.Namespace) -> int:
    """Print what the directory of a stopped node has, as JSON."""
    from themis_server.metadata import recovery as decisions
    from themis_server.node import recovery

    try:
        found = recovery.survey(arguments.data)
    except decisions.RecoveryRefused as refused:
        return _refuse(str(refused))
    return print_text(decisions.encode(found).decode())


def plan(arguments: argparse.Namespace) -> int:
    """Decide from the surveys what becomes of each group; show it, and with --out keep it."""
    from themis_server.metadata import recovery as decisions

    try:
        surveys = [decisions.decode(_content(file), decisions.Survey, str(file)) for file in arguments.surveys]
        made = decisions.make(surveys, _names(arguments.lost), _names(arguments.accept_empty_shards))
        if arguments.out is not None:
            _keep(arguments.out, decisions.encode(made))
    except decisions.RecoveryRefused as refused:
        return _refuse(str(refused))
    if arguments.output == "json":
        return print_text(decisions.encode(made).decode())
    kept = f"It is in {arguments.out}" if arguments.out is not None else "With --out FILE it is kept"
    return print_text(f"{_drawn(made)}\nNothing was changed. {kept}.\n")


def apply(arguments: argparse.Namespace) -> int:
    """Do in the directory of a stopped node what a plan says of it; show the plan only, without the confirmation."""
    from themis_server.metadata import recovery as decisions
    from themis_server.node import recovery

    try:
        known = decisions.decode(_content(arguments.plan), decisions.Plan, str(arguments.plan))
        if not arguments.confirmed:
            known.check()
            print_text(_drawn(known))
            return _refuse(f"nothing was changed: copy the directory, and say {_CONFIRM} if this is what you want")
        recovery.apply(arguments.data, known, _say)
    except decisions.RecoveryRefused as refused:
        return _refuse(str(refused))
    return 0


def _drawn(plan: Plan) -> str:
    rows = [_HEADS, *(_row(group) for group in plan.groups)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.append("")
    missing: dict[str, list[str]] = {}
    for group in plan.groups:
        if group.missing:
            missing.setdefault(group.missing, []).append(group.name)
    lines += [f"May be lost of {', '.join(names)}: {what}." for what, names in missing.items()]
    if any(group.undecided for group in plan.groups):
        lines.append("UNDECIDED entries are not known to have been committed: they take effect, acknowledged or not.")
    survivors = ", ".join(survivor.node_id for survivor in plan.survivors)
    lines.append(f"Plan {plan.plan_id} for cluster {plan.cluster}, to be applied to: {survivors}.")
    if plan.topology is not None:
        lines.append(
            f"Taken out of the cluster for good: {', '.join(plan.lost)}. The epoch becomes {plan.topology.epoch}."
        )
    else:
        lines.append("The metadata is not lost: the topology stays as it is.")
    return "\n".join(lines) + "\n"


def _row(group: GroupPlan) -> tuple[str, ...]:
    from themis_server.statemachine import version

    rebuilt = group.action == "rebuilt"
    written = datetime.fromtimestamp(version.to_unix_ms(group.last_version) / 1000, UTC)
    return (
        group.name,
        group.action,
        ", ".join(group.voters) or "-",
        ", ".join(group.gone) or "-",
        group.node or "-",
        f"{group.last_index} (term {group.last_term})" if rebuilt else "-",
        f"{written:%Y-%m-%dT%H:%M:%S}Z" if rebuilt and group.last_version else "-",
        str(group.undecided) if rebuilt else "-",
        ", ".join(group.discarded) or "-",
    )


def _names(lists: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip() for names in lists for name in names.split(",") if name.strip())


def _content(file: Path) -> bytes:
    from themis_server.metadata.recovery import RecoveryRefused

    try:
        return file.read_bytes()
    except OSError as error:
        raise RecoveryRefused(f"{file} cannot be read: {error.strerror}") from error


def _keep(file: Path, content: bytes) -> None:
    from themis_server.metadata.recovery import RecoveryRefused

    try:
        with file.open("xb") as stream:
            stream.write(content)
    except OSError as error:
        raise RecoveryRefused(f"{file} cannot be written: {error.strerror}") from error


def _say(line: str) -> None:
    print_text(line + "\n")


def _refuse(why: str) -> int:
    print(f"themis-server: {why}", file=sys.stderr)
    return _REFUSED
