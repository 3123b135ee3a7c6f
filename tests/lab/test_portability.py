"""Carrying a network among real nodes, with the commands that people type."""

import json
from pathlib import Path

import pytest

from yurt.client.portability.calls import KitStatus, KitView, SetBuddy
from yurt.client.portability.kit_fetch import fetch_kit
from yurt.identity.phrase import RecoveryPhrase
from yurt.lab.world.people import Person, follow, until
from yurt.lab.world.shell import Shell
from yurt.lab.world.world import HARBOUR, HILLTOP, World
from yurt.portability.csv_rows import CsvKind
from yurt.wire.problems import ProblemError


async def yurt(person: Person, *words: str) -> tuple[int, str, str]:
    """Run a command as somebody whose engine is closed."""
    (person.home.parent / f"{person.name}.phrase").write_text(person.phrase + "\n", encoding="utf-8")
    ended = await Shell.of(person.home, person.map_file).yurt(*words)
    return ended.code, ended.out, ended.err


def phrase_file(person: Person) -> str:
    return str(person.home.parent / f"{person.name}.phrase")


FOLLOWING = (
    b"Account address,Show boosts,Notify on new posts,Languages\n"
    b'zoe@hilltop.example,false,true,"de, en"\n'
    b"bo@hilltop.example,true,false,\n"
)
FILES = {
    CsvKind.FOLLOWING: FOLLOWING,
    CsvKind.MUTES: b"Account address,Hide notifications\ncy@hilltop.example,false\n",
    CsvKind.BLOCKS: b"eve@hilltop.example\nghost@hilltop.example\n",
    CsvKind.DOMAIN_BLOCKS: b"bad.example\n",
    CsvKind.LISTS: b'"Grown, wild",zoe@hilltop.example\nFriends,bo@hilltop.example\n',
    CsvKind.BOOKMARKS: b"https://hilltop.example/users/zoe/notes/1\n",
}


async def test_files_go_in_and_come_out_byte_for_byte(tmp_path: Path) -> None:
    """Mastodon's files, imported into a node and exported again, are the same files; then the archive."""
    folder = tmp_path / "mastodon"
    folder.mkdir()
    for kind, data in FILES.items():
        (folder / kind.file_name).write_bytes(data)
    async with World.open(tmp_path / "world", HARBOUR, HILLTOP) as world:
        ana = await world.person("ana", HARBOUR)
        for name in ("zoe", "bo", "cy", "eve"):
            await world.person(name, HILLTOP)
        room = await ana.engine.create_room("harbour watch")
        await ana.engine.send(room.room, "the fog is back", wait="accepted")
        await ana.close()

        code, out, err = await yurt(ana, "import", str(folder), "--json")
        assert code == 0, err
        counts = [json.loads(line) for line in out.splitlines() if '"counts"' in line][-1]
        assert counts["state"] == "done"
        again = await yurt(ana, "import", str(folder), "--json")
        assert again[0] == 0, again[2]

        code, out, err = await yurt(ana, "export", str(tmp_path / "out"), "--json")
        assert code == 0, err
        for kind, data in FILES.items():
            assert (tmp_path / "out" / kind.file_name).read_bytes() == data, kind
        assert (tmp_path / "out" / "followers.csv").read_bytes().count(b"\n") == 1

        archive = tmp_path / "ana.tar"
        code, out, err = await yurt(ana, "export", "--archive", str(archive))
        assert code == 0, err
        assert b"fog is back" not in archive.read_bytes()
        code, out, err = await yurt(
            ana, "import", str(archive), "--history", "--phrase-file", phrase_file(ana)
        )
        assert code == 0, err
        assert "An archive of ana@harbour.example" in err
        damaged = bytearray(archive.read_bytes())
        damaged[len(damaged) // 2] ^= 1
        (tmp_path / "damaged.tar").write_bytes(damaged)
        code, out, err = await yurt(ana, "import", str(tmp_path / "damaged.tar"))
        assert code == 3, out
        assert len(err.splitlines()) == 1

        (tmp_path / "one.csv").write_bytes(FOLLOWING.splitlines(keepends=True)[0] + b"bo@hilltop.example\n")
        words = ("import", str(tmp_path / "one.csv"), "--overwrite")
        code, out, err = await yurt(ana, *words)
        assert code == 2, out
        assert "zoe@hilltop.example" in err
        assert (await yurt(ana, *words, "--yes"))[0] == 0
        code, out, err = await yurt(ana, "list", "show", "Grown, wild", "--json")
        assert code == 0, err
        assert json.loads(out)["accepted"] is False
        code, out, err = await yurt(
            ana, "export", "--graph", "edges", str(tmp_path / "e.csv"), "--pseudonyms"
        )
        assert code == 0, err
        assert b"hilltop" not in (tmp_path / "e.csv").read_bytes()


async def test_a_kit_renews_itself_and_comes_back_from_a_buddy(tmp_path: Path) -> None:
    """24 words and one node bring back who somebody knows, although the old node is dead."""
    async with World.open(tmp_path, HARBOUR, HILLTOP) as world:
        ana, bo = await world.person("ana", HARBOUR), await world.person("bo", HILLTOP)
        room = await ana.engine.create_room("harbour watch")
        with pytest.raises(ProblemError, match="is your own node"):
            await ana.engine.call(SetBuddy(node=HARBOUR, phrase=ana.phrase), KitView)
        before = await ana.engine.call(SetBuddy(node=HILLTOP, phrase=ana.phrase), KitView)
        assert [one.node for one in before.buddies] == [HILLTOP]
        assert before.buddies[0].graph == before.counter, before.buddies[0].problem

        await follow(ana, bo)

        async def renewed() -> KitView | None:
            kit = await ana.engine.call(KitStatus(), KitView)
            return kit if kit.ties == 1 and not kit.is_stale else None

        kit = await until(renewed, "the kit knows bo")
        assert kit.counter > before.counter
        assert kit.has_keys
        await ana.close()
        code, out, err = await yurt(ana, "kit", "new-key", "--phrase-file", phrase_file(ana), "--json")
        assert (code, json.loads(out)["has_keys"]) == (0, True), err
        saved = await yurt(ana, "kit", "save", str(tmp_path / "ana.kit"))
        assert saved[0] == 0, saved[2]
        shown = await yurt(ana, "buddy", "list")
        assert HILLTOP in shown[1]
        await world.nodes[HARBOUR].kill()

        opened = await fetch_kit(
            bo.engine._core.session,  # pyright: ignore[reportPrivateUsage]  # as a rescue asks its new node
            RecoveryPhrase.parse(ana.phrase),
            (HILLTOP,),
            ((tmp_path / "ana.kit").read_bytes(),),
            bo.engine._core.now_s,  # pyright: ignore[reportPrivateUsage]
        )
        assert opened.keys is not None
        # The buddy has the kit before it, and takes one a minute: the highest counter of all copies wins.
        new, old = opened.keys.actor_keys
        assert new.key_id == old.key_id == "https://harbour.example/users/ana#main-key"
        assert new.created > old.created
        assert opened.graph is not None
        assert [one.group_id for one in opened.graph.rooms] == [room.room]
        assert b"bo@hilltop.example" in opened.graph.roster
