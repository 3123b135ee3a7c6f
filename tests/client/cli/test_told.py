"""What commands say: clear to a person, silent for a script, and refused before anybody types 24 words."""

import io
from pathlib import Path
from typing import cast

import msgspec
import pytest
from typing_extensions import override

from yurt.cli.commands.import_ import show_failures, show_plan
from yurt.cli.commands.node import status_lines
from yurt.cli.commands.rooms import room_line
from yurt.cli.commands.tail import item_line
from yurt.cli.commands.timeline import post_lines
from yurt.cli.main import main
from yurt.cli.output import Output
from yurt.client.api import EngineApi, RoomView, TimelineItem
from yurt.client.portability.calls import PlanView
from yurt.node import commands
from yurt.wire.portability_commands import JobRow, JobRowPage, JobView
from yurt.wire.post_commands import PostInfo

WARNED = PostInfo(
    number=1,
    id="https://harbour.example/users/ana/notes/1",
    author="ana@harbour.example",
    published=1_795_000_000,
    text="the butler did it",
    summary="spoiler",
    visibility="public",
    likes=1,
)


class Terminal(io.StringIO):
    """Somebody sits there."""

    @override
    def isatty(self) -> bool:
        return True


def test_only_a_person_reads_that_it_was_done() -> None:
    """A terminal is told that a message went out; a pipe and a program are not."""
    person, pipe, program = Terminal(), io.StringIO(), Terminal()

    Output(as_json=False, err=person).confirm("Sent.")
    Output(as_json=False, err=pipe).confirm("Sent.")
    Output(as_json=True, err=program).confirm("Sent.")

    assert (person.getvalue(), pipe.getvalue(), program.getvalue()) == ("Sent.\n", "", "")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("post hello --for direct", "names nobody: write @name@node"),
        ("post   ", "required"),
        ("timeline --count 0", "from 1 to 200"),
        ("timeline --count 100000", "from 1 to 200"),
        ("buddy add friend", "'friend' is no node"),
        ("check --to friend", "'friend' is no node"),
        ("move https://hilltop.example/", "no account invite"),
        ("rescue --node hilltop.example", "no account invite"),
        ("react tea 1 word", "'word' is no emoji"),
    ],
)
def test_what_cannot_work_is_refused_at_once(
    typed: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No vault is opened and no phrase asked for before the words make sense."""
    monkeypatch.setenv("YURT_HOME", str(tmp_path / "nobody"))

    code = main(typed.split())

    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


def test_a_plan_is_told_once() -> None:
    """Each file that is left out is one line, and so is what --history would bring."""
    told = io.StringIO()
    plan = PlanView(job=b"", digest=b"", parts=(), aside=("notes.csv: unknown",), messages=2)

    show_plan(plan, Output(as_json=False, err=told))

    assert told.getvalue().splitlines() == [
        "left out: notes.csv: unknown",
        "2 old messages are in it: --history makes them readable here, with your 24 words",
    ]


class Rows:
    """A node that tells of rows."""

    def __init__(self, *rows: JobRow) -> None:
        self.rows = rows

    async def ask_node(self, command: object, shape: object) -> JobRowPage:
        del command, shape
        return JobRowPage(self.rows)


async def test_what_came_to_nothing_is_told_in_words() -> None:
    """A code is for programs; and whoever was not found is blocked all the same."""
    told = io.StringIO()
    rows = Rows(
        JobRow(1, "following_accounts", "zoe@hill.example", "dead", "notFound"),
        JobRow(2, "blocked_accounts", "eve@hill.example", "dead", "gone"),
        JobRow(3, "lists", "x@hill.example", "refused", "someRule: words"),
    )
    job = JobView(job=b"", kind="import", state="done", total=3, counts={"dead": 2, "refused": 1})

    await show_failures(cast("EngineApi", rows), job, Output(as_json=False, out=told))

    zoe, eve, other = told.getvalue().splitlines()
    assert zoe.endswith("zoe@hill.example  nobody is called so there")
    assert eve.endswith("the account was deleted; it holds all the same for whoever comes under this address")
    assert other.endswith("someRule: words")


def test_a_room_out_of_a_kit_names_nobody_yet() -> None:
    """Who is in it is known, how they are called is not; that one comes back into it is no code."""
    room = RoomView(
        room=bytes(32),
        name="boats",
        hub="harbour.example",
        epoch=3,
        participants=("", " (not confirmed)"),
        stopped="comingBack",
    )

    told = "00000000  boats  2 people  (you are coming back into it: its hub is asked again and again)"
    assert room_line(room) == told


def test_a_warning_hides_what_is_behind_it() -> None:
    """Who put a warning before a post meant that it is not read by accident."""
    folded, unfolded = post_lines(WARNED), post_lines(WARNED, unfold=True)

    assert "[spoiler]" in folded
    assert "butler" not in folded
    assert "the butler did it" in unfolded
    assert "[1 like]" in folded


def test_no_text_looks_like_a_line_of_somebody_else() -> None:
    """What comes after a line break is indented, whatever breaks it: nobody speaks in another's name."""
    forged = "hello\u202812:01 * ana@harbour.example made bo@hilltop.example owner\r12:02 cy@c.example: yes"
    item = TimelineItem(
        item=1, revision=1, room=b"r", kind="message", did="did:key:eve", address="eve@e.example", text=forged
    )

    lines = item_line(item, None).split("\n")

    assert lines[0] == "eve@e.example: hello"
    assert all(line.startswith("      ") for line in lines[1:])
    warned = msgspec.structs.replace(WARNED, summary="a\n2026-11-21 12:00  ana@harbour.example")
    assert all(line.startswith("  ") for line in post_lines(warned).split("\n")[1:])


def test_status_is_told_in_words() -> None:
    """An operator reads sizes, dates, yes and no; a program has the numbers in JSON."""
    never = {"running": True, "database_bytes": 3 * 1024 * 1024, "rooms_full": 0, "backup_at": 0}

    assert dict(status_lines(never)) == {
        "running": "yes",
        "database": "3.0 MiB",
        "rooms_full": "0",
        "newest backup": "never: `yurt node backup FILE`",
    }
    assert dict(status_lines({"backup_at": 1_795_000_000})) == {"newest backup": "2026-11-18 11:06 UTC"}


@pytest.mark.parametrize(("option", "told"), [([], "not sealed"), (["--seal"], "sealed: nobody opens it")])
def test_a_backup_says_whether_it_is_sealed(
    option: list[str],
    told: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever keeps the file knows who else could open it."""
    data, secret = tmp_path / "node", tmp_path / "passphrase"
    secret.write_text("a long passphrase\n", encoding="utf-8")
    monkeypatch.setenv("YURT_PASSPHRASE_FILE", str(secret))
    commands.init("harbour.example", data, listen=f"unix:{tmp_path}/socket", plain=True)

    code = main(["node", "backup", "--data", str(data), str(tmp_path / "out"), *option])

    assert code == 0
    assert f"It is {told}" in capsys.readouterr().out
