"""``yurt kit``: what a move needs when your node is dead. It keeps itself up to date."""

import argparse
from pathlib import Path

from yurt.cli import secrets
from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.clock import local_time
from yurt.client.counted import counted, lasting
from yurt.client.portability.calls import BuddyView, ChangeKey, KitStatus, KitView, SaveKit


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("status", help="how old it is, and who keeps a copy")
    save = actions.add_parser("save", help="write it into a file, sealed: only your 24 words open it")
    save.add_argument("file", metavar="FILE", type=Path, help="a new file")
    save.add_argument("--phrase-file", type=Path, metavar="FILE", help="where the 24 words are, if asked for")
    key = actions.add_parser("new-key", help="make a new actor key; asks for your 24 words")
    key.add_argument("--phrase-file", type=Path, metavar="FILE", help="where the 24 words are")


def run(args: argparse.Namespace, output: Output) -> int:
    """Show or save the kit."""

    async def work(engine: EngineApi) -> int:
        kit = await engine.call(KitStatus(), KitView)
        if args.action == "save":
            phrase = "" if kit.exists else secrets.read_phrase(args.phrase_file)
            path = str(args.file.expanduser().absolute())
            kit = await engine.call(SaveKit(path=path, phrase=phrase), KitView)
            output.show(kit_json(kit), f"Your kit is in {args.file}: {_what(kit)}.")
        elif args.action == "new-key":
            await engine.call(ChangeKey(), KitView)  # before anybody types 24 words
            kit = await engine.call(ChangeKey(phrase=secrets.read_phrase(args.phrase_file)), KitView)
            show_kit(kit, output)
        else:
            show_kit(kit, output)
        return 0

    return with_engine(work)


def show_kit(kit: KitView, output: Output) -> None:
    """Show how the kit stands."""
    if not kit.exists:
        line = "You have no kit yet: `yurt kit save FILE` makes one, with your 24 words."
        output.show(kit_json(kit), line)
        return
    lines = [f"Your kit: {_what(kit)}.", *(_buddy_lines(kit))]
    if not kit.has_keys:
        lines.append("Your actor key is not in it: servers that are not Yurt would believe no move of yours.")
    if kit.problem:
        lines.append(f"It could not be renewed: {kit.problem}")
    output.show(kit_json(kit), "\n".join(lines))


def kit_json(kit: KitView) -> dict[str, object]:
    """Say the kit for programs."""
    return {
        "exists": kit.exists,
        "has_keys": kit.has_keys,
        "counter": kit.counter,
        "graph_at": kit.graph_at,
        "age": kit.now - kit.graph_at if kit.graph_at else -1,
        "ties": kit.ties,
        "rooms": kit.rooms,
        "size": kit.size,
        "stale": kit.is_stale,
        "problem": kit.problem,
        "buddies": [
            {
                "node": one.node,
                "graph": one.graph,
                "has_keys": one.has_keys,
                "kept_at": one.kept_at,
                "problem": one.problem,
                "drops_at": one.drops_at,
                "dropped_at": one.dropped_at,
            }
            for one in kit.buddies
        ],
    }


def _what(kit: KitView) -> str:
    if not kit.graph_at:
        return "nothing was sealed yet"
    stale = ", and something changed since" if kit.is_stale else ""
    held = f"{counted(kit.ties, 'tie')} and {counted(kit.rooms, 'room')}"
    return f"{held}, sealed {_aged(kit.graph_at, kit.now)}{stale}"


def _buddy_lines(kit: KitView) -> list[str]:
    if not kit.buddies:
        return ["No node keeps a copy: `yurt buddy add NODE` names one."]
    return [_buddy_line(one, kit.now) for one in kit.buddies]


def _buddy_line(one: BuddyView, now: int) -> str:
    line = f"{one.node}  " + (f"has a copy of {_aged(one.kept_at, now)}" if one.graph else "has nothing yet")
    if one.drops_at:
        line += f"; it drops it on {_at(one.drops_at)}, unless it is renewed"
    if one.dropped_at:
        line += f"; it dropped one on {_at(one.dropped_at)}, which nobody had renewed for 400 days"
    return line + (f"  ({one.problem})" if one.problem else "")


def _at(time: int) -> str:
    return f"{local_time(time):%Y-%m-%d %H:%M}"


def _aged(time: int, now: int) -> str:
    """Say when, and how long ago."""
    return f"{_at(time)} ({lasting(max(0, now - time))} ago)"
