"""``yurt send ROOM TEXT``: say something."""

import argparse
import sys

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.cli.which_room import find_room
from yurt.client.api import EngineApi, Sent, Wait
from yurt.client.errors import UsageError
from yurt.wire.problems import EXIT_OK, EXIT_REFUSED

_LINES = {
    "accepted": "",
    "settled": "",
    "queued": "Kept: it goes out as soon as the room can be reached.",
    "sealed": "Kept: it goes out as soon as the room can be reached.",
    "refused": "The room refused it ({reason}).",
}
_NOTHING = "there is nothing to send: give a TEXT, or write it to standard input"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    text_argument(parser)
    wait_argument(parser)


def run(args: argparse.Namespace, output: Output) -> int:
    """Send one message; kept and sent later if the room cannot be reached now."""
    text = text_of(args)

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        sent = await engine.send(room.room, text, wait=wait_of(args))
        return show_sent(sent, room.room, output, "Sent.")

    return with_engine(work, caught_up=True)


def text_of(args: argparse.Namespace) -> str:
    """Take the text from the arguments, else from standard input."""
    text = args.text if args.text is not None else _read()
    if not text.strip():
        raise UsageError(_NOTHING)
    return text


def _read() -> str:
    if sys.stdin.isatty():
        raise UsageError(_NOTHING)
    return sys.stdin.read().rstrip("\n")


def text_argument(parser: argparse.ArgumentParser) -> None:
    """Let the caller give the text, here or on standard input."""
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="the message; read from standard input if absent"
    )


def wait_argument(parser: argparse.ArgumentParser) -> None:
    """Let the caller choose not to wait for the hub."""
    parser.add_argument(
        "--no-wait", action="store_true", help="return when it is stored here, without waiting for the hub"
    )


def wait_of(args: argparse.Namespace) -> Wait:
    """Say what the caller chose."""
    return "stored" if args.no_wait else "accepted"


def show_sent(sent: Sent, room: bytes, output: Output, done: str) -> int:
    """Print what became of something that was said; returns the exit code.

    Args:
        sent: What the engine tells.
        room: Where it was said.
        output: Where to print.
        done: What a person at a terminal reads once the room has it.
    """
    if output.as_json:
        value = {"room": room, "content_id": sent.content_id, "state": sent.state, "item": sent.item}
        output.show({**value, "reason": sent.reason} if sent.reason else value, "")
    elif line := _LINES[sent.state].format(reason=sent.reason):
        output.note(line)
    else:
        output.confirm(done)
    return EXIT_REFUSED if sent.state == "refused" else EXIT_OK
