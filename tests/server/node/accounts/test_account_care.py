"""What an operator does with accounts, while the node runs."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import WSMsgType

from yurt.node.admin import account
from yurt.node.clock import SystemClock
from yurt.node.config import ConfigError
from yurt.node.store import account_care
from yurt.node.store.account_care import OWNED
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import ReadTx, Tx
from yurt.node.streams.door import SIGNED_OUT, STREAM_PATH
from yurt.node.streams.testing import Client as StreamClient
from yurt.node.testing import PATIENCE_S, Client, Town
from yurt.wire.account_commands import Login
from yurt.wire.command import Command
from yurt.wire.frames import Result
from yurt.wire.people_commands import Followers
from yurt.wire.problems import ProblemError

HARBOUR = "harbour.example"
CLOCK = SystemClock()


async def refused(client: Client, command: Command) -> str:
    with pytest.raises(ProblemError) as caught:
        await client.call(command)
    return caught.value.problem.code


def login(ana: Client) -> Login:
    return Login(account="ana", login_key=ana.person.login_key, device_id=ana.person.device.device_id)


async def test_a_suspended_account_is_out_at_once(harbour: Town) -> None:
    """Its tokens end and its login is refused, on a running node; undone, it is as before."""
    ana = await harbour.join("ana", HARBOUR)
    data = harbour.folder / HARBOUR

    await account.suspend_account(data, CLOCK, "ana")

    assert await refused(ana, Followers()) == "notSignedIn"
    ana.token = ""
    assert await refused(ana, login(ana)) == "notAllowed"
    (standing,) = await account.list_accounts(data, CLOCK)
    assert (standing.name, standing.devices, standing.suspended_at > 0) == ("ana", 0, True)
    await account.resume_account(data, "ana")
    ana.token = (await ana.call(login(ana))).token
    await ana.call(Followers())


async def test_a_reset_ends_devices_and_passphrase(harbour: Town) -> None:
    """The old login key opens nothing, and no invite makes a new one; the person's own device key does."""
    ana = await harbour.join("ana", HARBOUR)
    eve = harbour.newcomer("ana", HARBOUR)

    await account.reset_account(harbour.folder / HARBOUR, "ana")
    out = await refused(ana, Followers())
    ana.token = ""
    old, invite = await refused(ana, login(ana)), await harbour.invite(HARBOUR, uses=3)
    again, stranger = (
        await refused(ana, ana.person.join(invite)),
        await refused(eve, eve.person.join(invite)),
    )
    (standing,) = await account.list_accounts(harbour.folder / HARBOUR, CLOCK)

    assert (out, old, again, stranger) == ("notSignedIn", "wrongLogin", "nameTaken", "nameTaken")
    assert (standing.name, standing.devices) == ("ana", 0)


async def test_a_reset_link_of_an_older_release_is_no_invite(tmp_path: Path) -> None:
    """Nothing reads what such a link was for any more: it goes with the update."""
    path = tmp_path / "node.db"
    older = tuple(step for step in STEPS if step not in account_care.NO_LINKS)
    store = await SqliteStore.open(path, older)

    def leave_links(tx: Tx) -> None:
        for code, resets in (("reset", "ana"), ("invite", "")):
            tx.change(
                "INSERT INTO invite (code, secret_hash, uses_left, not_after, resets) VALUES (?, ?, 1, ?, ?)",
                code,
                b"hash",
                2**40,
                resets,
            )

    await store.write(leave_links)
    await store.close()
    store = await SqliteStore.open(path, STEPS)
    left = await store.read(lambda tx: [row[0] for row in tx.rows("SELECT code FROM invite")])
    await store.close()

    assert left == ["invite"]


async def test_a_deleted_account_keeps_its_name(harbour: Town) -> None:
    """Nobody else gets the name; the same person may come back to it."""
    ana, eve = await harbour.join("ana", HARBOUR), harbour.newcomer("ana", HARBOUR)
    data = harbour.folder / HARBOUR

    await account.delete_account(data, CLOCK, "ana")

    assert await account.list_accounts(data, CLOCK) == []
    assert await refused(ana, Followers()) == "notSignedIn"
    invite = await harbour.invite(HARBOUR, uses=2)
    assert await refused(eve, eve.person.join(invite)) == "nameTaken"
    ana.token = ""
    ana.token = (await ana.call(ana.person.join(invite))).token
    await ana.call(Followers())


async def test_a_deletion_forgets_no_table(harbour: Town) -> None:
    """Whatever refers to an account goes with it; a new table that does must be named."""

    def referring(tx: ReadTx) -> set[str]:
        rows = tx.rows(
            """
            SELECT found.name FROM sqlite_schema AS found, pragma_foreign_key_list(found.name) AS key
            WHERE found.type = 'table' AND key."table" = 'account'
            """
        )
        return {str(row[0]) for row in rows}

    assert await harbour.nodes[HARBOUR].store.read(referring) == set(OWNED)


async def test_nobody_of_that_name_is_one_clear_line(harbour: Town) -> None:
    """A mistyped name changes nothing and says where to look."""
    data = harbour.folder / HARBOUR

    for work in (
        account.suspend_account(data, CLOCK, "anna"),
        account.resume_account(data, "anna"),
        account.reset_account(data, "anna"),
        account.delete_account(data, CLOCK, "anna"),
    ):
        with pytest.raises(ConfigError, match="account list"):
            await work


@pytest.mark.parametrize("act", ["suspend", "reset", "delete"])
async def test_open_streams_end_when_the_operator_acts(
    harbour: Town, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """Another process changes the database; the stream of that person ends, and only that one."""
    monkeypatch.setattr("yurt.node.streams.door.CHECK_S", 3600.0)
    ana, bo = await harbour.join("ana", HARBOUR), await harbour.join("bo", HARBOUR)
    data = harbour.folder / HARBOUR
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "suspend": lambda: account.suspend_account(data, CLOCK, "ana"),
        "reset": lambda: account.reset_account(data, "ana"),
        "delete": lambda: account.delete_account(data, CLOCK, "ana"),
    }

    async with harbour.session.ws_connect(f"https://{HARBOUR}{STREAM_PATH}") as hers:
        await StreamClient(hers).hello(ana.token)
        async with harbour.stream(bo) as his:
            await acts[act]()
            async with asyncio.timeout(PATIENCE_S):
                while (message := await hers.receive()).type is WSMsgType.BINARY:
                    pass
            assert message.type is WSMsgType.CLOSE
            assert hers.close_code == SIGNED_OUT
            assert isinstance(await his.call(1, "followers", Followers()), Result)
