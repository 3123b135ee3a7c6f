"""``yurt check [--to NODE]``: what a move would do to each tie and each room; changes nothing."""

import argparse
import csv
import io
import sys
from typing import TYPE_CHECKING

from yurt.cli.command import with_engine
from yurt.cli.output import Json, Output, clean
from yurt.cli.which_node import find_node
from yurt.client.api import EngineApi
from yurt.client.counted import counted, lasting

if TYPE_CHECKING:
    from yurt.client.moving.calls import CheckView, Expected, KeyAgreement, KeyCheck
    from yurt.client.vault.moves import ForetoldTie

_SHOWN = 10
_DAY_S = 86_400
_STANDINGS: "dict[KeyAgreement, str]" = {
    "differs": "not the same everywhere",
    "unknown": "it cannot be told whether your kit has the right one",
    "none": "none in your kit",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    parser.add_argument("--to", metavar="NODE", default="", help="the node to which you would move")
    parser.add_argument("--csv", action="store_true", help="one line for each tie, as a table")
    parser.add_argument("--all", action="store_true", help="name every tie, not only the strong ones")


def run(args: argparse.Namespace, output: Output) -> int:
    """Foretell."""
    from yurt.client.moving.calls import CheckMove, CheckView

    to = find_node(args.to) if args.to else ""

    async def work(engine: EngineApi) -> int:
        view = await engine.call(CheckMove(to=to), CheckView)
        if args.csv:
            sys.stdout.write(table(view.ties))
        else:
            show(view, output, every=args.all)
        return 0

    return with_engine(work, caught_up=True)


def show(view: "CheckView", output: Output, *, every: bool = False) -> None:
    """Print what a move would do."""
    if output.as_json:
        output.show(_json(view), "")
        return
    for name, expected in (("followers", view.followers), ("following", view.following)):
        output.show({}, f"{name} {_counts(expected)}")
    output.show({}, "")
    named = view.ties if every else [tie for tie in view.ties if tie.strong or tie.outcome in ("ask", "lost")]
    for tie in named if every else named[: 2 * _SHOWN]:
        output.show({}, _line(tie))
    if not every and len(named) > 2 * _SHOWN:
        output.show({}, f"  ... and {len(named) - 2 * _SHOWN} more (--all)")
    for room in view.rooms:
        output.show({}, f"  room {room.name or room.room.hex()[:8]} on {room.hub}: {room.text}")
    for limit in view.limits:
        days = f", {lasting(limit.seconds)}" if limit.seconds >= _DAY_S else ""
        output.show({}, f"  limit: {limit.software} {limit.about}{days} [{limit.source}]")
    ready = view.readiness
    age = "" if ready.kit_age_s < 0 else f", {lasting(ready.kit_age_s)} old"
    output.show({}, f"if your node died today: {ready.text}{age};")
    output.show(
        {}, f"  {ready.strong_safe} of {counted(ready.strong, 'strong tie')} would come along without it"
    )
    for line in (*_key_lines(view.key), *(f"note: {warning}" for warning in view.warnings)):
        output.show({}, line)


def table(ties: "tuple[ForetoldTie, ...]") -> str:
    """Write the ties as CSV; a cell that a spreadsheet would run is made text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["address", "actor", "direction", "strong", "strength", "outcome", "reason", "software", "version",
         "low", "high", "source"]
    )  # fmt: skip
    for tie in ties:
        writer.writerow(
            [
                _inert(tie.address),
                _inert(tie.actor),
                tie.direction,
                str(tie.strong).lower(),
                f"{tie.strength:.3f}",
                tie.outcome,
                tie.reason,
                _inert(tie.software),
                _inert(tie.version),
                tie.low,
                tie.high,
                tie.source,
            ]
        )
    return out.getvalue()


def _inert(text: str) -> str:
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _counts(expected: "Expected") -> str:
    parts = ", ".join(f"{count} {name}" for name, count in sorted(expected.outcomes.items()))
    return f"{expected.count}: {parts or 'none'} -> expect {expected.low} to {expected.high}"


def _line(tie: "ForetoldTie") -> str:
    mark = "*" if tie.strong else " "
    newer = " (newer than what was looked at)" if tie.newer else ""
    who = tie.address or tie.actor
    return f"{mark} {tie.outcome:<9} {tie.direction:<9} {who}: {tie.text}{newer} [{tie.source}]"


def _key_lines(key: "KeyCheck") -> list[str]:
    """Say who has which actor key, and then what that means."""
    from yurt.portability.actor_key import shown

    asked = [one for one in key.peers if one.fingerprint]
    silent = [one for one in key.peers if not one.fingerprint]
    if key.standing == "agrees":
        line = f"actor key: {shown(key.kit)} in your kit, at your node"
        line += f" and at {', '.join(one.node for one in asked)}" if asked else ""
    else:
        line = f"actor key: {_STANDINGS[key.standing]}"
    if silent:
        line += "; " + ", ".join(f"{one.node}: {one.problem or 'it has none of yours'}" for one in silent)
    return [line, *(f"  {one}" for one in key.told)]


def _json(view: "CheckView") -> Json:
    import msgspec

    def hexed(value: object) -> object:
        return value.hex() if isinstance(value, bytes) else value

    value: dict[str, object] = msgspec.to_builtins(view, builtin_types=(bytes,))
    rooms = [{**msgspec.structs.asdict(room), "room": hexed(room.room)} for room in view.rooms]
    return {**value, "rooms": rooms}
