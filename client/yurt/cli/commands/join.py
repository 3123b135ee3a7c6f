"""``yurt join LINK NAME``: an account, an identity and its 24 words."""

import argparse
import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from yurt.cli import secrets
from yurt.cli.output import Output
from yurt.client import paths
from yurt.client.api import Status
from yurt.client.errors import UsageError
from yurt.client.links import check_name, parse_invite

if TYPE_CHECKING:
    from yurt.identity.phrase import RecoveryPhrase

_PER_LINE = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("link", metavar="LINK", help="account invite: https://NODE/i/CODE#SECRET")
    parser.add_argument("name", metavar="NAME", help="your name there: a to z, 0 to 9 and _")
    parser.add_argument(
        "--phrase-file", type=Path, help="write the recovery phrase to this new file (mode 0600)"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Join; nothing half-made is left if it fails."""
    parse_invite(args.link)  # mistakes of typing first, before anything is asked
    check_name(args.name)
    if args.phrase_file is None and not secrets.has_terminal():
        raise UsageError("no terminal to show the recovery phrase in: name a file with --phrase-file")
    passphrase, home = secrets.new_passphrase(), paths.home()
    try:
        status = asyncio.run(_join(args, passphrase, home, output))
    except BaseException:
        _forget_phrase(args.phrase_file, home, output)
        raise
    output.show(
        {"address": status.address, "actor": status.actor, "did": status.did, "home": str(home)},
        f"You are {status.address} now.",
    )
    return 0


async def _join(args: argparse.Namespace, passphrase: str, home: Path, output: Output) -> Status:
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
        return await engine.status()
    finally:
        await engine.close()


def _show_phrase(words: tuple[str, ...], output: Output) -> None:
    output.secret("Write these 24 words down, on paper. They are you: with them you can always come back,")
    output.secret("without them nobody can help you. They are shown once and stored nowhere.\n")
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
