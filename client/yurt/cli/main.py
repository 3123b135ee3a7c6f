"""The ``yurt`` command: finds the module of a command, imports only that, and turns errors into exit codes.

``yurt --help`` costs Python and argparse, nothing else: keep it so (150 ms of CPU). Each command is one
module of ``yurt.cli.commands`` with ``add_arguments`` and ``run``. Without a command, in a terminal, it
opens the terminal client.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

from yurt.cli.parser import Mistyped, Parser

if TYPE_CHECKING:
    from yurt.cli.command import Command
    from yurt.cli.output import Output

GROUPS: Final = {
    "begin": {
        "join": "make an account on a node, or enter a room, by a link",
        "devices": "list the devices on which you are you",
        "device": "link, revoke or restore a device of yours",
        "completion": "let your shell complete commands (completion bash, zsh, fish)",
    },
    "rooms": {
        "rooms": "list your rooms",
        "room": "open a room, set how it is, or come back into it (room create NAME, room topic ROOM TEXT)",
        "invite": "add somebody to a room",
        "link": "make, list and end links to a room (link create, link list, link end)",
        "participants": "list who is in a room, and as what",
        "role": "give somebody in a room a role",
        "remove": "remove somebody from a room",
        "ban": "ban somebody from a room",
        "unban": "let somebody be invited again",
        "leave": "leave a room",
    },
    "what is said": {
        "send": "send a message to a room",
        "reply": "answer a message",
        "react": "put an emoji under a message",
        "edit": "say something else instead of a message of yours",
        "delete": "take a message back",
        "tail": "show what is said, and go on showing it",
        "search": "find what was said, in this vault",
    },
    "who somebody is": {
        "verify": "compare safety numbers with somebody",
        "trust": "accept somebody new behind an address that changed",
    },
    "people and posts, also of Mastodon": {
        "follow": "follow somebody",
        "followers": "list who follows you",
        "following": "list whom you follow",
        "requests": "answer who asks to follow you or to add you to a room",
        "post": "post something to your followers, or take it back",
        "timeline": "show what people whom you follow have posted",
        "like": "like a post",
        "boost": "show a public post to your followers",
        "block": "have nothing to do with somebody",
        "mute": "do not see what somebody posts",
        "list": "keep private lists of people whom you follow",
    },
    "pack up and move": {
        "export": "write your network into files",
        "import": "take your network over from files",
        "archive": "verify anybody's archive, without an account (archive verify FILE)",
        "kit": "look at your continuity kit, save it, or change its actor key (kit status, kit save FILE)",
        "buddy": "name nodes that keep a sealed copy of your kit",
        "check": "foretell what a move would do to each tie and each room",
        "move": "move to another node, step by step",
        "rescue": "come back from a kit and the phrase, when the old node is dead",
        "receipt": "show who arrived after a move, against what was foretold",
    },
    "nodes": {
        "node": "make, run and care for a node (node init, run, invite, doctor, backup)",
        "demo": "two nodes, two people, one encrypted conversation, on this machine",
        "lab": "play migrations between real nodes, and measure who arrives (lab run SCENARIO, lab list)",
    },
}
"""Name to help line, as they belong together; ``yurt.cli.commands.NAME`` is imported when it is called."""
COMMANDS: Final = {name: line for group in GROUPS.values() for name, line in group.items()}

_ENVIRONMENT: Final = {
    "YURT_HOME": "folder of the vault (one person)",
    "YURT_PASSPHRASE_FILE": "file whose first line is the passphrase, where there is no terminal",
    "YURT_NETWORK": "network map, for tests and demos",
}
_OPENS: Final = "Without a command, in a terminal, yurt opens your rooms. `yurt COMMAND --help` tells more."
_CODES: Final = "Exit codes are explained in docs/exit-codes.md."
_USAGE: Final = 2
_INTERRUPTED: Final = 130
_COLUMN: Final = 14
_WIDEST: Final = 22
_WIDTH: Final = 80


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    wanted = next((word for word in words if not word.startswith("-")), "")
    try:
        args = _parser(wanted).parse_args(words)
    except Mistyped as error:
        return _refuse(str(error), as_json="--json" in words)
    if not args.command and not (sys.stdin.isatty() and sys.stdout.isatty()):
        _parser().print_help()
        return 0
    from yurt.cli.output import Output

    output = Output(as_json=getattr(args, "json", False))
    try:
        return _run(args, output)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone; nothing more can be said on this stream, not even by its destructor.
        sys.stdout = None
        return 0


def _refuse(text: str, *, as_json: bool) -> int:
    from yurt.cli.output import Output

    Output(as_json=as_json).fail("UsageError", text)
    return _USAGE


def whole_parser() -> Parser:
    """Give the parser of every command; importing them all takes long."""
    return _parser(*COMMANDS)


def _parser(*wanted: str) -> Parser:
    parser = Parser(
        prog="yurt",
        usage="yurt [COMMAND ...]",
        description="A home that a small community can pack up and carry.",
        epilog="" if COMMANDS.keys() & wanted else _epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        is_first=True,
    )
    parser.add_argument("--version", action=_Version, help="show the release and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog="yurt", help=argparse.SUPPRESS)
    for name, line in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=f"{line[0].upper()}{line[1:]}.")
        if name in wanted:
            _command(name).add_arguments(command)
    return parser


def _epilog() -> str:
    """Set the commands and the environment in two columns, under their headings; as wide as the terminal."""
    from shutil import get_terminal_size
    from textwrap import fill

    width = max(2 * _COLUMN, min(_WIDTH, get_terminal_size().columns))

    def table(heading: str, rows: Mapping[str, str], column: int) -> list[str]:
        indents = [(f"    {name:<{column}}", " " * (4 + column)) for name in rows]
        lines = [
            fill(line, width, initial_indent=first, subsequent_indent=other)
            for (first, other), line in zip(indents, rows.values(), strict=True)
        ]
        return [f"{heading}:", *lines, ""]

    found = [line for heading, group in GROUPS.items() for line in table(heading, group, _COLUMN)]
    found += [fill(_OPENS, width), "", *table("environment", _ENVIRONMENT, _WIDEST), fill(_CODES, width), ""]
    return "\n".join(found)


class _Version(argparse.Action):
    """Reading the version costs 20 ms of metadata: only when it is printed."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:  # noqa: ANN401  # argparse's
        super().__init__(option_strings, dest, nargs=0, **settings)

    @override
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        parser.exit(message=f"yurt {version('yurt')}\n")


def _command(name: str) -> "Command":
    module = "import_" if name == "import" else name  # a word of the language is no module
    return cast("Command", import_module(f"yurt.cli.commands.{module}"))


def _open_client() -> int:
    from yurt.cli import secrets
    from yurt.tui.commands import open_client

    return open_client(secrets.from_file())


def _run(args: argparse.Namespace, output: "Output") -> int:
    from yurt.client.errors import ClientError
    from yurt.wire.problems import ProblemError

    try:
        return _command(args.command).run(args, output) if args.command else _open_client()
    except ProblemError as error:
        output.fail(error.problem.code, error.problem.message)
        return error.problem.kind.exit_code
    except ClientError as error:
        output.fail(type(error).__name__, str(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
