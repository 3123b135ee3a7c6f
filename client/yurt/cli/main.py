"""The ``yurt`` command: finds the module of a command, imports only that, and turns errors into exit codes.

``yurt --help`` costs Python and argparse, nothing else: keep it so (150 ms of CPU). Each command is one
module of ``yurt.cli.commands`` with ``add_arguments`` and ``run``. Without a command, in a terminal, it
opens the terminal client.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, cast

from typing_extensions import override

if TYPE_CHECKING:
    from yurt.cli.command import Command
    from yurt.cli.output import Output

COMMANDS: Final = {
    "join": "make an account on a node, or enter a room, by a link",
    "devices": "list the devices on which you are you",
    "device": "link, revoke or restore a device of yours",
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
    "send": "send a message to a room",
    "reply": "answer a message",
    "react": "put an emoji under a message",
    "edit": "say something else instead of a message of yours",
    "delete": "take a message back",
    "tail": "show what is said, and go on showing it",
    "search": "find what was said, in this vault",
    "verify": "compare safety numbers with somebody",
    "trust": "accept somebody new behind an address that changed",
    "follow": "follow somebody",
    "followers": "list who follows you",
    "following": "list whom you follow",
    "post": "post something to your followers, or take it back",
    "timeline": "show what people whom you follow have posted",
    "like": "like a post",
    "boost": "show a public post to your followers",
    "requests": "answer who asks to follow you or to add you to a room",
    "block": "have nothing to do with somebody",
    "mute": "do not see what somebody posts",
    "list": "keep private lists of people whom you follow",
    "export": "write your network into files",
    "import": "take your network over from files",
    "kit": "look at your continuity kit, or save it (kit status, kit save FILE)",
    "buddy": "name nodes that keep a sealed copy of your kit",
    "check": "foretell what a move would do to each tie and each room",
    "move": "move to another node, step by step",
    "rescue": "come back from a kit and the phrase, when the old node is dead",
    "receipt": "show who arrived after a move, against what was foretold",
    "node": "make, run and care for a node (node init, run, invite, doctor, backup)",
    "demo": "two nodes, two people, one encrypted conversation, on this machine",
    "lab": "play migrations between real nodes, and measure who arrives (lab run SCENARIO, lab list)",
}
"""Name to help line; the module ``yurt.cli.commands.NAME`` is imported when the command is called."""

_EPILOG: Final = """\
Without a command, in a terminal, yurt opens your rooms.

environment:
  YURT_HOME             folder of the vault (one person)
  YURT_PASSPHRASE_FILE  file whose first line is the passphrase, where there is no terminal
  YURT_NETWORK          network map, for tests and demos

Exit codes are explained in docs/exit-codes.md.
"""
_INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    wanted = next((word for word in words if not word.startswith("-")), "")
    args = _parser(wanted).parse_args(words)
    if not args.command and not (sys.stdin.isatty() and sys.stdout.isatty()):
        _parser("").print_help()
        return 0
    from yurt.cli.output import Output

    output = Output(as_json=bool(args.command) and args.json)
    try:
        return _run(args, output)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has gone; nothing more can be said on this stream, not even by its destructor.
        sys.stdout = None
        return 0


def _parser(wanted: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="yurt",
        description="A home that a small community can pack up and carry.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_Version, help="show the release and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, line in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=f"{line[0].upper()}{line[1:]}.")
        if name == wanted:
            _command(name).add_arguments(command)
            command.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


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
