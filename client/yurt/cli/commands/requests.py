"""``yurt requests``: who asks to follow you, or to add you to a room, and your answer."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--accept", metavar="ADDRESS", help="let them follow")
    what.add_argument("--reject", metavar="ADDRESS", help="do not let them follow, or not any more")
    what.add_argument("--join", metavar="ADDRESS", help="let them add you to rooms, for a week")
    what.add_argument("--refuse", metavar="ADDRESS", help="do not let them add you to a room")
    what.add_argument("--lock", action="store_true", help="from now on, ask me about each follow")
    what.add_argument("--unlock", action="store_true", help="from now on, anybody may follow")


def run(args: argparse.Namespace, output: Output) -> int:
    """List who waits, or answer."""
    from yurt.client.calls import Nothing
    from yurt.client.consent.calls import AnswerInvitation
    from yurt.wire.command import Done
    from yurt.wire.people_commands import Accept, Lock, Reject

    async def work(engine: EngineApi) -> int:
        if args.lock or args.unlock:
            await engine.ask_node(Lock(locked=args.lock), Done)
            line = "You are asked about each follow." if args.lock else "Anybody may follow you."
            output.show({"locked": args.lock}, line)
        elif args.accept:
            await engine.ask_node(Accept(args.accept), Done)
            output.show({"address": args.accept, "state": "accepted"}, f"{args.accept} follows you.")
        elif args.reject:
            await engine.ask_node(Reject(args.reject), Done)
            output.show({"address": args.reject, "state": "refused"}, f"{args.reject} does not follow you.")
        elif address := args.join or args.refuse:
            await engine.call(AnswerInvitation(address=address, accept=bool(args.join)), Nothing)
            yes, no = "may add you to their rooms, any of them, for a week", "may not add you"
            line = f"{address} {yes if args.join else no}."
            output.show({"address": address, "state": "accepted" if args.join else "refused"}, line)
        else:
            await _list(engine, output)
        return 0

    return with_engine(work)


async def _list(engine: EngineApi, output: Output) -> None:
    """Say who waits for an answer, and for which."""
    from yurt.client.consent.calls import InvitationViews, ListInvitations
    from yurt.client.conversations.calls import ListTried, TriedViews
    from yurt.wire.people_commands import Requests, Ties

    invitations = (await engine.call(ListInvitations(), InvitationViews)).invitations
    for asks in invitations:
        line = f"{asks.address} asks to add you to a room (--join, --refuse)"
        output.show({"address": asks.address, "did": asks.did, "room": asks.room}, line)
    tried = (await engine.call(ListTried(), TriedViews)).tried
    for one in tried:
        line = (
            f"{one.address} tried to begin an encrypted conversation from other software; "
            "that is not possible yet, and their software was told so"
        )
        output.show({"address": one.address, "actor": one.actor, "tried": one.since}, line)
    ties = (await engine.ask_node(Requests(), Ties)).ties
    for tie in ties:
        line = f"{tie.address} asks to follow you (--accept, --reject)"
        output.show({"address": tie.address, "actor": tie.actor, "since": tie.since}, line)
    if not (invitations or ties or tried):
        output.note("Nobody waits for your answer.")
