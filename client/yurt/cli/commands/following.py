"""``yurt following``: whom you follow."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi, PersonView


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes: nothing of its own."""
    parser.set_defaults()


def run(_args: argparse.Namespace, output: Output) -> int:
    """List whom this person follows."""

    async def work(engine: EngineApi) -> int:
        people = await engine.following()
        for person in people:
            output.show(person_json(person), person_line(person))
        if not people:
            output.note("You follow nobody yet: `yurt follow NAME@NODE`.")
        return 0

    return with_engine(work)


def person_json(person: PersonView) -> dict[str, object]:
    """Say a person for programs."""
    value: dict[str, object] = {
        "address": person.address,
        "actor": person.actor,
        "did": person.did,
        "state": person.state,
    }
    if person.safety_number:
        value |= {"safety_number": person.safety_number, "verified": person.verified}
    marks = {"changed": person.changed, "locked": person.locked, "gone": person.gone}
    return value | {name: mark for name, mark in marks.items() if mark}


def person_line(person: PersonView) -> str:
    """Say a person for people."""
    words = [person.address]
    if person.state != "accepted":
        words.append(f"{person.state} (they approve by hand)" if person.locked else person.state)
    if person.gone:
        words.append("account deleted")
    return "  ".join(words)
