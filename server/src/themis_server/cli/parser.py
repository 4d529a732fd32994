"""The verbs and their flags."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from themis_server.cli import configuration, metadata, recover, start, version

__all__ = ["main"]

_STOPPED_BY_CTRL_C: Final = 130
_EPILOG: Final = "Settings: flags win over THEMIS_<SECTION>_<KEY> variables, variables win over the file."


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; `argv` is without the program's name.

    Returns the exit code; wrong usage raises SystemExit(2).
    """
    arguments = _parser().parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = arguments.verb
    try:
        return verb(arguments)
    except KeyboardInterrupt:
        return _STOPPED_BY_CTRL_C


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="themis-server", description="One node of ThemisDB.", epilog=_EPILOG, allow_abbrev=False
    )
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_start(verbs)
    _add_config(verbs)
    _add_metadata(verbs)
    _add_recover(verbs)
    _add_version(verbs)
    return parser


def _add_start(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "start a node in the foreground"
    command = verbs.add_parser("start", help=about, description=about, epilog=_EPILOG, allow_abbrev=False)
    _add_source_flags(command)
    command.set_defaults(verb=start.run)


def _add_config(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    config = verbs.add_parser("config", help="check or print the configuration", allow_abbrev=False)
    actions = config.add_subparsers(title="commands", metavar="COMMAND", required=True)

    about = "say whether a node would start with this file (environment included)"
    check = actions.add_parser("check", help=about, description=about, allow_abbrev=False)
    check.add_argument("file", type=Path, metavar="FILE", help="a TOML file")
    check.set_defaults(verb=configuration.check_file)

    about = "print the configuration in force as commented TOML, with where each value came from"
    show = actions.add_parser("print", help=about, description=about, epilog=_EPILOG, allow_abbrev=False)
    show.add_argument("--defaults", action="store_true", help="print the defaults instead, a file to start from")
    _add_source_flags(show)
    show.set_defaults(verb=configuration.print_config)


def _add_metadata(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    group = verbs.add_parser("metadata", help="what a stopped node knows of the metadata", allow_abbrev=False)
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    about = "write the topology and the catalogue that a stopped node has seen last back to an etcd that was restored"
    command = actions.add_parser("write-back", help=about, description=about, epilog=_EPILOG, allow_abbrev=False)
    how = command.add_mutually_exclusive_group()
    how.add_argument("--dry-run", action="store_true", help="show what would be written (the default)")
    how.add_argument("--yes", action="store_true", help="do it")
    command.add_argument(
        "--without",
        metavar="NODE",
        action="append",
        default=[],
        help="a node that is lost and cannot be asked whether it knows more; may be repeated",
    )
    _add_source_flags(command)
    command.set_defaults(verb=metadata.write_back)


def _add_recover(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "go on after the majority of the voters was lost for good; the last resort, acknowledged writes may be lost"
    group = verbs.add_parser("recover", help=about, description=about, allow_abbrev=False)
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    about = "print what the directory of a stopped node has, as JSON; do this on every survivor"
    command = actions.add_parser("survey", help=about, description=about, allow_abbrev=False)
    command.add_argument("--data", type=Path, metavar="DIR", required=True, help="the node's data directory")
    command.set_defaults(verb=recover.survey)

    about = "decide from the surveys of all survivors how each group goes on, and say what may be lost; changes nothing"
    command = actions.add_parser("plan", help=about, description=about, allow_abbrev=False)
    command.add_argument("surveys", type=Path, nargs="+", metavar="SURVEY", help="what `recover survey` printed")
    command.add_argument(
        "--lost",
        metavar="NODE[,...]",
        action="append",
        default=[],
        help="the nodes whose directories are gone for good; may be repeated",
    )
    command.add_argument(
        "--accept-empty-shards",
        metavar="SHARD[,...]",
        action="append",
        default=[],
        help="shards of which no survivor has a copy, to begin anew without data; may be repeated",
    )
    command.add_argument("--out", type=Path, metavar="FILE", help="keep the plan in a file, which must not exist yet")
    command.add_argument("-o", "--output", choices=("text", "json"), default="text", help="how to print it")
    command.set_defaults(verb=recover.plan)

    about = "do in the directory of a stopped node what the plan says of it; may be repeated"
    command = actions.add_parser("apply", help=about, description=about, allow_abbrev=False)
    command.add_argument("plan", type=Path, metavar="PLAN", help="what `recover plan --out` kept")
    command.add_argument("--data", type=Path, metavar="DIR", required=True, help="the node's data directory")
    command.add_argument(
        "--yes-data-may-be-lost", dest="confirmed", action="store_true", help="do it; without, the plan is only shown"
    )
    command.set_defaults(verb=recover.apply)


def _add_version(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    about = "print the version"
    command = verbs.add_parser("version", help=about, description=about, allow_abbrev=False)
    command.add_argument("-o", "--output", choices=("text", "json"), default="text", help="how to print it")
    command.set_defaults(verb=version.run)


def _add_source_flags(command: argparse.ArgumentParser) -> None:
    """Add the flags that say where the configuration comes from; `sources.load_config` reads them."""
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="a TOML file; without it, defaults and environment"
    )
    shortcuts = (
        ("--data", "DIR", "node.data_dir"),
        ("--host", "HOST", "http.host"),
        ("--port", "N", "http.port"),
        ("--join", "HOST:PORT[,...]", "cluster.join"),
        ("--join-token-file", "FILE", "cluster.join_token_file"),
        ("--log-format", "FORMAT", "log.format"),
        ("--log-level", "LEVEL", "log.level"),
    )
    for flag, metavar, setting in shortcuts:
        command.add_argument(flag, dest=f"set {setting}", metavar=metavar, help=f"short for --set {setting}={metavar}")
    command.add_argument(
        "--set",
        dest="overrides",
        action="append",
        default=[],
        type=_override,
        metavar="SECTION.KEY=VALUE",
        help="set anything; may be repeated (lists are separated by commas)",
    )


def _override(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or "." not in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not SECTION.KEY=VALUE")
    return name.strip(), value
