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
    "queued": "Kept: it goes out as soon as the room can be reached.",
    "sealed": "Kept: it goes out as soon as the room can be reached.",
    "refused": "The room refused it ({reason}).",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("room", metavar="ROOM", help="its name, or the beginning of its id")
    parser.add_argument(
        "text", metavar="TEXT", nargs="?", help="the message; read from standard input if absent"
    )
    parser.add_argument(
        "--no-wait", action="store_true", help="return when it is stored here, without waiting for the hub"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Send one message; kept and sent later if the room cannot be reached now."""
    text = args.text if args.text is not None else _read()
    if not text.strip():
        raise UsageError("there is nothing to send: give a TEXT, or write it to standard input")
    wait: Wait = "stored" if args.no_wait else "accepted"

    async def work(engine: EngineApi) -> int:
        room = await find_room(engine, args.room)
        sent = await engine.send(room.room, text, wait=wait)
        return _show(sent, room.room, output)

    return with_engine(work, caught_up=True)


def _read() -> str:
    if sys.stdin.isatty():
        raise UsageError("there is nothing to send: give a TEXT, or write it to standard input")
    return sys.stdin.read().rstrip("\n")


def _show(sent: Sent, room: bytes, output: Output) -> int:
    if output.as_json:
        value = {"room": room, "content_id": sent.content_id, "state": sent.state, "item": sent.item}
        output.show({**value, "reason": sent.reason} if sent.reason else value, "")
    elif line := _LINES[sent.state].format(reason=sent.reason):
        output.note(line)
    return EXIT_REFUSED if sent.state == "refused" else EXIT_OK
