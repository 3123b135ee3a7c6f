"""No device of one account changes what is another's, or reads it, whatever command it gives (DESIGN 4)."""

import os
import random
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec
import pytest
from msgspec import inspect

from yurt.identity.leaf import LeafUse
from yurt.mls.cipher_suite import X25519_AES128GCM_SHA256_ED25519 as SUITE
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.leaf_node import Lifetime
from yurt.node import dispatcher
from yurt.node.limiter import Rate
from yurt.node.store.types import ReadTx
from yurt.node.testing import Client, Town
from yurt.rooms.common.policy import RoomPolicy
from yurt.rooms.common.room import room_extensions
from yurt.wire.account_commands import Logout
from yurt.wire.command import Command
from yurt.wire.commands import COMMANDS
from yurt.wire.device_commands import LinkGet
from yurt.wire.list_commands import AddToList
from yurt.wire.people_commands import Block, Follow, Mute
from yurt.wire.portability_commands import JOB_ID_SIZE, JobItem, StartJob
from yurt.wire.post_commands import Post, Posted
from yurt.wire.problems import ProblemError
from yurt.wire.room_commands import CreateRoom

T = TypeVar("T")
HARBOUR = "harbour.example"
SECRET: Final = "marzipan"
"""Stands in what ana wrote, and in nothing that eve can name."""
ROUNDS: Final = 12
LEFT_OUT: Final = (LinkGet, Logout)
"""What asks for nobody's rows and takes its time, and what is the end of one's own device."""
OTHERS_DEEDS: Final = {
    "asking": "0",
    "block": "kind <> 'blockedBy'",
    "tie": "direction = 'following'",
    "timeline": "0",
}
"""Rows that stand for what others do (ask, block, follow, name somebody): those may come to an account."""


class Fills:
    """Fills commands with the names of somebody else's things."""

    def __init__(self, fitting: dict[str, tuple[Any, ...]], names: tuple[bytes, ...]) -> None:
        """``fitting`` holds what may stand in fields of some names; any text may stand in all others."""
        self._fitting = fitting
        self._texts = ("", *(text for texts in fitting.values() for text in texts if isinstance(text, str)))
        self._names = names
        self._chance = random.Random(7)  # noqa: S311  # the same each time

    def command(self, kind: type[Command]) -> Command:
        """One command, as it comes."""
        return self._struct(kind)

    def _struct(self, kind: type[T]) -> T:
        info = inspect.type_info(kind)
        assert isinstance(info, inspect.StructType)
        return kind(
            **{
                field.name: self._chance.choice(self._fitting[field.name])
                if field.name in self._fitting
                else self._value(field.type)
                for field in info.fields
            }
        )

    def _value(self, kind: inspect.Type) -> Any:  # noqa: ANN401  # of whatever type it is
        chance = self._chance
        made: dict[type[Any], Callable[[Any], Any]] = {
            inspect.StrType: lambda _: chance.choice(self._texts),
            inspect.BytesType: lambda kind: chance.choice(self._of_size(kind.min_length)),
            inspect.IntType: lambda _: chance.choice((0, 1, 2, 1_000)),
            inspect.BoolType: lambda _: chance.choice((True, False)),
            inspect.LiteralType: lambda kind: chance.choice(kind.values),
            inspect.VarTupleType: lambda kind: tuple(
                self._value(kind.item_type) for _ in range(chance.choice((1, 1, 2)))
            ),
            inspect.StructType: lambda kind: self._struct(kind.cls),
            inspect.UnionType: lambda kind: self._value(kind.types[0]),
        }
        return made[type(kind)](kind)

    def _of_size(self, size: int | None) -> tuple[bytes, ...]:
        return tuple(name for name in self._names if len(name) == size) if size else self._names


async def snapshot(town: Town, name: str) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of an account, by table, what others do to it left out."""

    def query(tx: ReadTx) -> dict[str, list[tuple[Any, ...]]]:
        (number,) = tx.rows("SELECT id FROM account WHERE name = ?", name)[0]
        tables = [str(row[0]) for row in tx.rows("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        found = {"account": tx.rows("SELECT * FROM account WHERE id = ?", number)}
        for table in tables:
            columns = {str(row[1]) for row in tx.rows(f"PRAGMA table_info({table})")}
            if "account" in columns:
                only = OTHERS_DEEDS.get(table, "1")
                found[table] = tx.rows(
                    f"SELECT * FROM {table} WHERE account IN (?, ?) AND {only}",  # noqa: S608  # the schema's names
                    number,
                    name,
                )
        for table, mine in {
            "post": "author LIKE '%/users/' || ?",
            "reaction": "actor LIKE '%/users/' || ?",
            "list_member": f"list IN (SELECT id FROM list WHERE account = {number})",  # noqa: S608  # ours
            "job_row": f"job IN (SELECT id FROM job WHERE account = {number})",  # noqa: S608  # ours
            "record": "did = (SELECT did FROM account WHERE name = ?)",
            "delivery": "sender = ?",
        }.items():
            values = [name] * mine.count("?")
            found[table] = tx.rows(f"SELECT * FROM {table} WHERE {mine}", *values)  # noqa: S608  # constants
        return {table: sorted(rows, key=repr) for table, rows in found.items()}

    return await town.nodes[HARBOUR].store.read(query)


async def furnished(town: Town) -> tuple[Client, Fills]:
    """Ana, who has something of everything, and the names of all of it."""
    ana = await town.join("ana", HARBOUR)
    for name in ("bo", "cy", "dee"):
        await town.join(name, HARBOUR)
    room, job = os.urandom(32), os.urandom(JOB_ID_SIZE)
    posted: Posted = await ana.call(Post(text=f"{SECRET} for followers"))
    await ana.call(AddToList(list="friends", address=f"{SECRET}@{HARBOUR}"))
    await ana.call(Follow(f"bo@{HARBOUR}"))
    await ana.call(Mute(f"cy@{HARBOUR}"))
    await ana.call(Block(f"dee@{HARBOUR}"))
    bookmark = JobItem("bookmarks", f"https://{SECRET}.example/1")
    await ana.call(StartJob(job, "import", (bookmark,), last=False))
    await ana.call(CreateRoom(group_info(ana, room)))
    person = ana.person
    fitting = {
        "account": ("ana", b""),
        "actor": (person.actor,),
        "address": tuple(f"{name}@{HARBOUR}" for name in ("ana", "bo", "cy", "dee")),
        "did": (str(person.identity.did),),
        "kind": ("bookmarks", "blocked_domains", "import"),
        "list": ("friends",),
        "node": (HARBOUR,),
        "post": (posted.id,),
        "text": ("words",),
        "visibility": ("followers", "public"),
    }
    names = (room, job, person.device.device_id, person.record.encode(), person.identity.public, b"")
    return ana, Fills(fitting, names)


def group_info(one: Client, room: bytes) -> bytes:
    """A new room of somebody."""
    person = one.person
    group = Group.create(
        MemoryGroupStore(),
        SUITE,
        room,
        person.own_leaf(LeafUse.JOINING),
        extensions=room_extensions(RoomPolicy.first(HARBOUR, room, person.identity.did)),
        lifetime=Lifetime(person.born_at - 3600, person.born_at + 86_400),
    )
    return group.group_info(with_tree=True)


async def give(who: Client, fills: Fills) -> tuple[list[bytes], set[str]]:
    """Give every command a few times; the answers, and the codes of the refusals."""
    answers, codes = list[bytes](), set[str]()
    for kind in COMMANDS.values():
        for _ in range(0 if kind in LEFT_OUT else ROUNDS):
            try:
                answers.append(msgspec.json.encode(await who.call(fills.command(kind))))
            except ProblemError as error:
                codes.add(error.problem.code)
    return answers, codes


async def test_nobody_touches_what_is_anothers(harbour: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eve gives each command with the names of ana's things: nothing of hers changes, or is told."""
    monkeypatch.setattr(dispatcher, "COMMAND_RATE", Rate(burst=100_000, every_s=0.001))
    ana, fills = await furnished(harbour)
    eve = await harbour.join("eve", HARBOUR)
    before = await snapshot(harbour, "ana")

    answers, codes = await give(eve, fills)

    assert await snapshot(harbour, "ana") == before
    assert not [answer for answer in answers if SECRET.encode() in answer]
    assert not codes & {"internal", "notSignedIn"}
    # The same commands by ana herself change much: they were not all refused for how they look.
    await give(ana, fills)
    after = await snapshot(harbour, "ana")
    assert len([table for table in before if after[table] != before[table]]) >= 5
