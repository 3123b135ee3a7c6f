"""``yurt move LINK`` and ``yurt move``: to another node, step by step; it goes on wherever it was stopped."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from yurt.cli import secrets
from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.links import parse_invite

if TYPE_CHECKING:
    from yurt.client.moving.calls import MoveStanding

_WAITS = 2
"""Exit code: nobody was there to confirm, and ``--yes`` was not given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument(
        "link", metavar="LINK", nargs="?", default="", help="account invite of the new node; empty: go on"
    )
    parser.add_argument("--to", metavar="LINK", default="", help="the same")
    parser.add_argument("--name", default="", help="of the new account; empty: the same as now")
    parser.add_argument("--phrase-file", type=Path, help="read the recovery phrase from this file")
    parser.add_argument("--yes", action="store_true", help="confirm what cannot be taken back")
    parser.add_argument(
        "--lend-key",
        action="store_true",
        help="if the old node refuses, let the new one hold your old actor key, at most 30 days",
    )
    parser.add_argument("--status", action="store_true", help="only show where the move stands")
    parser.add_argument("--cancel", action="store_true", help="end a move that was not confirmed")


def run(args: argparse.Namespace, output: Output) -> int:
    """Begin, or go on."""
    link = args.link or args.to
    if link:
        parse_invite(link)  # before anybody types 24 words
    phrase = secrets.read_phrase(args.phrase_file) if link else ""

    async def work(engine: EngineApi) -> int:
        from yurt.client.calls import Nothing
        from yurt.client.moving.calls import CancelMove, ConfirmMove, MoveStanding, PrepareMove, ShowMove

        if args.cancel:
            await engine.call(CancelMove(), Nothing)
            output.show(
                {"cancelled": True},
                "You are not moving. A new account stays, if made: `yurt move LINK` takes it up again.",
            )
            return 0
        if link:
            call = PrepareMove(link=link, account=args.name, phrase=phrase)
            standing = await engine.call(call, MoveStanding)
        else:
            standing = await engine.call(ShowMove(), MoveStanding)
        if args.status or not standing.kind:
            show(standing, output)
            return 0
        if args.lend_key and not standing.needs_confirmation:
            standing = await engine.call(ConfirmMove(lend_key=True), MoveStanding)
        return await go_on(engine, standing, output, yes=args.yes, lend_key=args.lend_key)

    return with_engine(work, caught_up=True)


async def go_on(
    engine: EngineApi, standing: "MoveStanding", output: Output, *, yes: bool, lend_key: bool
) -> int:
    """Do step after step; stop where a person must confirm and does not."""
    from yurt.client.moving.calls import ConfirmMove, GoOnMove, MoveStanding

    while standing.next:
        if standing.needs_confirmation:
            show(standing, output)
            if not (yes or confirmed("Move now? It cannot be taken back")):
                output.note("Nobody was told that you move. `yurt move --yes` goes on, --cancel ends it.")
                return _WAITS
            standing = await engine.call(ConfirmMove(lend_key=lend_key), MoveStanding)
        else:
            output.note(f"... {standing.next}")
            standing = await engine.call(GoOnMove(), MoveStanding)
    show(standing, output)
    return 0


def confirmed(question: str) -> bool:
    """Ask a person; without a terminal nobody agrees to anything."""
    if not secrets.has_terminal():
        return False
    return input(f"{question} (yes/no): ").strip().lower() in ("y", "yes")


def show(standing: "MoveStanding", output: Output) -> None:
    """Print where a move stands."""
    value = {
        "kind": standing.kind,
        "step": standing.step,
        "next": standing.next,
        "needs_confirmation": standing.needs_confirmation,
        "previous": standing.previous,
        "target": standing.target,
        "difference": standing.difference,
        "notes": standing.notes,
    }
    if output.as_json or not standing.kind:
        output.show(value, "You are not moving. `yurt move LINK` begins; `yurt check` foretells.")
        return
    output.show(value, f"{standing.previous} -> {standing.target}: {standing.step}")
    for line in standing.difference:
        output.show({}, f"  {line}")
    for line in standing.notes:
        output.show({}, f"  note: {line}")
    output.show(
        {}, f"  next: {standing.next}" if standing.next else "  done; `yurt receipt` shows who arrived"
    )
