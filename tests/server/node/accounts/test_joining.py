"""How people get in: invites, names, sign-in, tokens."""

import asyncio
import dataclasses

import msgspec
import pytest

from yurt.node.testing import PATIENCE_S, Client, Town
from yurt.wire.account_commands import Login, Logout, SignedIn
from yurt.wire.command import Command
from yurt.wire.frames import Bye
from yurt.wire.people_commands import Followers
from yurt.wire.problems import ProblemError

HARBOUR = "harbour.example"


async def refused(client: Client, command: Command) -> str:
    with pytest.raises(ProblemError) as caught:
        await client.call(command)
    return caught.value.problem.code


async def test_an_invite_is_one_account(harbour: Town) -> None:
    """Whoever holds the link joins once; the second person finds it used."""
    link = await harbour.invite(HARBOUR)
    ana, eve = harbour.newcomer("ana", HARBOUR), harbour.newcomer("eve", HARBOUR)

    signed_in: SignedIn = await ana.call(ana.person.join(link))

    assert signed_in.actor == "https://harbour.example/users/ana"
    assert await refused(eve, eve.person.join(link)) == "wrongInvite"


async def test_two_at_once_get_one_account(harbour: Town) -> None:
    """The last use of an invite is used once, however many knock together."""
    link = await harbour.invite(HARBOUR)
    people = [harbour.newcomer(name, HARBOUR) for name in ("ana", "bo", "cy", "di")]

    answers = await asyncio.gather(
        *(one.call(one.person.join(link)) for one in people), return_exceptions=True
    )

    assert sum(isinstance(answer, SignedIn) for answer in answers) == 1
    codes = {answer.problem.code for answer in answers if isinstance(answer, ProblemError)}
    assert codes == {"wrongInvite"}


async def test_a_lost_answer_can_be_asked_for_again(harbour: Town) -> None:
    """The same join by the same person signs in; another key does not."""
    link = await harbour.invite(HARBOUR)
    ana = harbour.newcomer("ana", HARBOUR)
    join = ana.person.join(link)
    first: SignedIn = await ana.call(join)

    again: SignedIn = await ana.call(join)

    assert again.account == first.account
    assert again.token != first.token
    assert await refused(ana, msgspec.structs.replace(join, login_key=bytes(32))) == "wrongLogin"


async def test_a_taken_name_keeps_its_owner_and_the_invite(harbour: Town) -> None:
    """A name belongs to who came first; the invite stays good for another name."""
    await harbour.join("ana", HARBOUR)
    link = await harbour.invite(HARBOUR)
    other = harbour.newcomer("ana", HARBOUR)

    assert await refused(other, other.person.join(link)) == "nameTaken"

    better = harbour.newcomer("anna", HARBOUR)
    assert (await better.call(better.person.join(link))).account == "anna"


async def test_half_a_person_does_not_join(harbour: Town) -> None:
    """Record, statement, device, key and name must belong together, and nothing is made if they do not."""
    link = await harbour.invite(HARBOUR)
    ana, eve = harbour.newcomer("ana", HARBOUR), harbour.newcomer("eve", HARBOUR)
    join, stolen = ana.person.join(link), eve.person.join(link)
    replace = msgspec.structs.replace
    wrong = {
        "badRecord": [
            replace(join, record=stolen.record),
            replace(join, statement=stolen.statement),
            replace(join, device_id=bytes(16)),
            replace(join, record=join.record[:-9]),
            replace(join, account="bo"),
        ],
        "badName": [replace(join, account=name) for name in ("", "Ana", "a.b", "x" * 31, "ana\n")],
        "badRequest": [
            replace(join, login_key=b"short"),
            replace(join, actor_key=b"no key"),
            replace(join, device_id=b""),
        ],
        "wrongInvite": [replace(join, secret=bytes(16)), replace(join, code="nosuchcode")],
    }

    for code, commands in wrong.items():
        for command in commands:
            assert await refused(ana, command) == code

    assert (await ana.call(join)).account == "ana"


async def test_an_old_invite_is_over(harbour: Town) -> None:
    """After its day an invite is like none."""
    link = await harbour.invite(HARBOUR, not_after=1_000)
    ana = harbour.newcomer("ana", HARBOUR)

    assert await refused(ana, ana.person.join(link)) == "wrongInvite"


async def test_sign_in_needs_the_key_and_a_listed_device(harbour: Town) -> None:
    """A wrong key and an unknown account get the same answer; a token ends with its device's sign-out."""
    ana = await harbour.join("ana", HARBOUR)
    person = ana.person
    login = Login(account="ana", login_key=person.login_key, device_id=person.device.device_id)
    replace = msgspec.structs.replace

    assert await refused(ana, replace(login, login_key=bytes(32))) == "wrongLogin"
    assert await refused(ana, replace(login, account="nobody")) == "wrongLogin"
    assert await refused(ana, replace(login, device_id=bytes(16))) == "notAllowed"

    fresh = dataclasses.replace(ana, token=(await ana.call(login)).token)
    assert await refused(ana, Followers()) == "notSignedIn"
    await fresh.call(Followers())
    await fresh.call(Logout())
    assert await refused(fresh, Followers()) == "notSignedIn"


async def test_signing_out_ends_the_stream(harbour: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that signed out hears nothing more, on whatever stream it still has open."""
    monkeypatch.setattr("yurt.node.streams.door.CHECK_S", 3600.0)
    ana = await harbour.join("ana", HARBOUR)

    async with harbour.stream(ana) as stream, asyncio.timeout(PATIENCE_S):
        await ana.call(Logout())
        while not isinstance(await stream.receive(), Bye):
            pass


async def test_guessing_is_slow(harbour: Town) -> None:
    """After five guesses the next one must wait."""
    ana = await harbour.join("ana", HARBOUR)
    login = Login(account="ana", login_key=bytes(32), device_id=ana.person.device.device_id)

    codes = [await refused(ana, login) for _ in range(6)]

    assert codes == ["wrongLogin"] * 5 + ["tooMany"]
