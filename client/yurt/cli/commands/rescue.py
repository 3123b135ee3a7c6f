"""``yurt rescue --node LINK``: the old node is dead; 24 words and a kit bring the network back."""

import argparse
import asyncio
from pathlib import Path

from yurt.cli import secrets
from yurt.cli.commands import move
from yurt.cli.output import Output
from yurt.cli.which_node import find_node
from yurt.client import paths
from yurt.client.api import EngineApi
from yurt.client.errors import NoVault, UsageError
from yurt.client.links import parse_invite

_WAITS = 2
"""Exit code: nobody was there to confirm, and ``--yes`` was not given."""
_LIVED_IN = "somebody lives in this vault already: set YURT_HOME to a new folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--node", metavar="LINK", default="", help="account invite of the new node")
    parser.add_argument("--name", default="", help="of the new account; empty: the old one's")
    parser.add_argument("--kit", type=Path, action="append", default=[], help="a kit's file; may be repeated")
    parser.add_argument(
        "--buddy", action="append", default=[], help="a node that keeps your kit; may be repeated"
    )
    parser.add_argument("--phrase-file", type=Path, help="read the recovery phrase from this file")
    parser.add_argument("--keep-devices", action="store_true", help="do not shut your other devices out")
    parser.add_argument(
        "--yes", action="store_true", help="confirm: also that the new node holds your old key for 30 days"
    )


def run(args: argparse.Namespace, output: Output) -> int:
    """Begin, or go on with what an earlier run began."""
    from yurt.client.vault.open import exists

    if not exists(paths.home()):
        return asyncio.run(_begin(args, output))
    return asyncio.run(_go_on(args, secrets.passphrase(), output))


async def _begin(args: argparse.Namespace, output: Output) -> int:
    from yurt.client.clock import SystemClock
    from yurt.client.moving import rescue

    if not args.node:
        raise UsageError("name the new node: `yurt rescue --node https://NODE/i/CODE#SECRET`")
    parse_invite(args.node)  # before anybody types 24 words
    buddies = [find_node(node) for node in args.buddy]
    words, files = secrets.read_phrase(args.phrase_file), [_read(path) for path in args.kit]
    network_path = paths.network_path()
    network, clock = paths.load_network(network_path), SystemClock(network_path)
    prepared = await rescue.prepare(
        args.node,
        args.name,
        words,
        buddies=buddies,
        files=files,
        network=network,
        clock=clock,
        keep_devices=args.keep_devices,
    )
    for line in prepared.difference:
        output.show({"line": line}, f"  {line}")
    if not (args.yes or move.confirmed("Come back here? It cannot be taken back")):
        output.note("Nothing was stored, and nobody was told. Add --yes to agree.")
        return _WAITS
    passphrase = secrets.new_passphrase()
    engine = await rescue.begin(paths.home(), passphrase, prepared, network=network, clock=clock)
    try:
        return await _steps(engine, output)
    finally:
        await engine.close()


async def _go_on(args: argparse.Namespace, passphrase: str, output: Output) -> int:
    from yurt.client.clock import SystemClock
    from yurt.client.moving import rescue

    del args
    network_path = paths.network_path()
    network, clock = paths.load_network(network_path), SystemClock(network_path)
    try:
        engine = await rescue.resume(paths.home(), passphrase, network=network, clock=clock)
    except NoVault:  # there is one, but no rescue began in it
        raise UsageError(_LIVED_IN) from None
    try:
        return await _steps(engine, output)
    finally:
        await engine.close()


async def _steps(engine: EngineApi, output: Output) -> int:
    from yurt.client.moving.calls import AskReceipt, MoveStanding, ReceiptView, ShowMove

    standing = await engine.call(ShowMove(), MoveStanding)
    if standing.kind != "rescue":
        raise UsageError(_LIVED_IN)
    code = await move.go_on(engine, standing, output, yes=True, lend_key=True)
    receipt = await engine.call(AskReceipt(), ReceiptView)
    for line in receipt.manual:
        output.show({"manual": line}, f"  for you: {line}")
    return code


def _read(path: Path) -> bytes:
    try:
        return path.expanduser().read_bytes()
    except OSError as error:
        raise UsageError(f"the kit {path} cannot be read: {error.strerror}") from None
