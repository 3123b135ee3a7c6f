"""``yurt join LINK [NAME]``: an account with its 24 words, a room, or by one link both.

A link to a room (``/j/``) leads whoever has an account into the room. On a machine without one it makes the
account first, if the link carries that too.
"""

import argparse
import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from yurt.cli import secrets
from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client import paths
from yurt.client.api import EngineApi
from yurt.client.errors import UsageError
from yurt.client.links import check_name, is_room_link, parse_invite
from yurt.wire.problems import ProblemError, refuse

if TYPE_CHECKING:
    from yurt.identity.phrase import RecoveryPhrase

_PER_LINE = 4
DOOR_S = 5.0
"""How long to wait at the door of a room; a request goes on by itself."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument(
        "link", metavar="LINK", help="account invite: https://NODE/i/CODE#SECRET; link to a room: .../j/..."
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="?", default="", help="of a new account: a to z, 0 to 9 and _"
    )
    parser.add_argument(
        "--phrase-file", type=Path, help="write the recovery phrase to this new file (mode 0600)"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Join; nothing half-made is left if it fails."""
    parse_invite(args.link)  # mistakes of typing first, before anything is asked
    leads_to_room = is_room_link(args.link)
    if leads_to_room and _has_account():
        return with_engine(lambda engine: _enter(engine, args.link, output))
    if not args.name:
        raise UsageError("choose a name for your account: `yurt join LINK NAME`")
    check_name(args.name)
    if args.phrase_file is None and not secrets.has_terminal():
        raise UsageError("no terminal to show the recovery phrase in: name a file with --phrase-file")
    passphrase, home = secrets.new_passphrase(), paths.home()
    try:
        return asyncio.run(_join(args, passphrase, home, output))
    except BaseException as error:
        _forget_phrase(args.phrase_file, home, output)
        if leads_to_room and isinstance(error, ProblemError) and error.problem.code == "wrongInvite":
            raise _no_account() from None
        raise


async def _join(args: argparse.Namespace, passphrase: str, home: Path, output: Output) -> int:
    from yurt.client.clock import SystemClock
    from yurt.client.engine import Engine

    def keep_phrase(phrase: "RecoveryPhrase") -> None:
        if args.phrase_file is not None:
            secrets.write_phrase(args.phrase_file, phrase.words)
        else:
            _show_phrase(phrase.words, output)

    network = paths.network_path()
    engine, _ = await Engine.join(
        home,
        args.link,
        args.name,
        passphrase,
        network=paths.load_network(network),
        clock=SystemClock(network),
        keep_phrase=keep_phrase,
    )
    try:
        status = await engine.status()
        output.show(
            {"address": status.address, "actor": status.actor, "did": status.did, "home": str(home)},
            f"You are {status.address} now.",
        )
        if args.phrase_file is not None:
            output.note(f"Your 24 words are in {args.phrase_file}: put them on paper, then remove the file.")
        return await _enter(engine, args.link, output) if is_room_link(args.link) else 0
    finally:
        await engine.close()


async def _enter(engine: EngineApi, link: str, output: Output) -> int:
    """Enter the room that a link leads to, or wait at its door."""
    from yurt.client.invitations.calls import JoinByLink, JoinView

    view = await engine.call(JoinByLink(url=link, within=DOOR_S), JoinView)
    name = view.name or "a room without a name"
    lines = {
        "joined": f"You are in {name}.",
        "waiting": f"Waiting for a member of {name} to let you in: `yurt rooms` shows when it is done.",
        "asking": f"{view.hub} cannot be reached now: yurt goes on asking it to let you into {name}.",
    }
    value = {"room": view.room, "name": view.name, "hub": view.hub, "state": view.state}
    output.show(value, lines.get(view.state, view.state))
    return 0


def _has_account() -> bool:
    from yurt.client.vault.open import exists

    return exists(paths.home())


def _no_account() -> ProblemError:
    text = "this link brings no account (any more): join a node first, or ask for a link that does"
    return refuse("wrongInvite", text)


def _show_phrase(words: tuple[str, ...], output: Output) -> None:
    output.secret("Write these 24 words down, on paper. They are you: with them you can always")
    output.secret("come back, without them nobody can help you. They are shown once and stored")
    output.secret("nowhere.\n")
    numbered = [f"{number:2}. {word:<10}" for number, word in enumerate(words, start=1)]
    for start in range(0, len(numbered), _PER_LINE):
        output.secret("  " + "".join(numbered[start : start + _PER_LINE]).rstrip())
    output.secret("")


def _forget_phrase(path: Path | None, home: Path, output: Output) -> None:
    """A phrase of nobody would only confuse; that of an unfinished join is still somebody's."""
    from yurt.client.vault.open import exists

    if exists(home):
        return
    if path is None:
        output.note("The words above belong to nobody now: throw them away.")
        return
    with suppress(FileNotFoundError):
        path.unlink()
