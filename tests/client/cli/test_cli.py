"""The command line: light, honest about errors, and usable by scripts."""

import asyncio
import json
import os
import pty
import re
import resource
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from yurt.cli.main import COMMANDS, main
from yurt.cli.output import dumps
from yurt.cli.testing import environment, join, run, yurt
from yurt.cli.which_room import pick_room
from yurt.client import errors
from yurt.client.api import RoomView
from yurt.client.errors import ClientError
from yurt.client.testing import LINK, PASSPHRASE, Town
from yurt.client.testing_node import HARBOUR
from yurt.client.testing_waits import PATIENCE_S
from yurt.wire.problems import PROBLEMS, ProblemError

HELP_MS = 150
EXIT_CODES = next(Path(__file__).parents[3].glob("docs/exit-codes.md"))


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asks for help learns every command there is."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(re.search(rf"^    {name}\b", shown, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize("columns", [100, 80, 60])
def test_help_fits_the_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line of the help is wider than the terminal, nor than people like to read."""
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit):
        main(["--help"])

    assert max(map(len, capsys.readouterr().out.splitlines())) <= min(80, columns)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command explains itself, and can speak JSON."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert "--json" in capsys.readouterr().out


def test_help_is_light() -> None:
    """Asking for help imports neither the engine, nor a node, nor cryptography."""
    code = (
        "import sys; from yurt.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules)"
    )
    heavy = {"cryptography", "msgspec", "websockets", "aiohttp", "sqlcipher3", "asyncio", "platformdirs"}

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603

    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & heavy
    assert {module for module in loaded if module.startswith("yurt.")} == {
        "yurt.cli",
        "yurt.cli.main",
        "yurt.cli.parser",
    }


def test_exit_codes_are_documented() -> None:
    """Each problem and each error of the client stands in docs/exit-codes.md, under its code."""
    text = EXIT_CODES.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \| (`.*`) \|$", text, re.MULTILINE))
    listed = {name: code for code, names in _all_rows(text) for name in re.findall(r"`(\w+)`", names)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    ours = {
        kind.__name__: kind.exit_code
        for kind in kinds
        if issubclass(kind, ClientError) and not kind.__subclasses__()
    }

    assert rows
    assert listed == {**{code: kind.exit_code for code, kind in PROBLEMS.items()}, **ours}


def _all_rows(text: str) -> list[tuple[int, str]]:
    found = re.findall(r"^\| (\d+) \| (`.*`) \|$", text, re.MULTILINE)
    return [(int(code), names) for code, names in found]


async def test_a_day(town: Town) -> None:
    """Without a terminal a script joins, opens a room, speaks, and reads what was said."""
    joined = await join(town, "ana")
    phrase = (town.home("ana").parent / "ana.phrase").read_text(encoding="ascii")
    room = await yurt(town, "ana", "room", "create", "harbour watch", "--json")
    sent = await yurt(town, "ana", "send", "harbour watch", "hello \x1b[31mred", "--json")
    rooms = await yurt(town, "ana", "rooms")
    tail = await yurt(town, "ana", "tail", "harbour watch", "--count", "2", "--json")
    human = await yurt(town, "ana", "tail", "harbour watch", "--no-wait")

    assert [code for code, _, _ in (joined, room, sent, rooms, tail)] == [0] * 5
    assert json.loads(joined[1])["address"] == f"ana@{HARBOUR}"
    assert len(phrase.split()) == 24
    assert json.loads(sent[1])["state"] == "accepted"
    assert "harbour watch" in rooms[1]
    lines = [json.loads(line) for line in tail[1].splitlines()]
    assert lines[-1]["text"] == "hello \x1b[31mred"
    assert "\x1b" not in human[1]
    assert "hello" in human[1]


async def test_parallel_senders_and_a_tail(town: Town) -> None:
    """Twenty processes send while one watches: twenty messages, each once, one engine at a time."""
    await join(town, "ana")
    await yurt(town, "ana", "room", "create", "harbour watch")
    tail = asyncio.create_task(
        yurt(town, "ana", "tail", "harbour watch", "--history", "50", "--count", "21", "--json")
    )

    sent = await asyncio.gather(
        *(yurt(town, "ana", "send", "harbour watch", f"message {number}") for number in range(20))
    )
    async with asyncio.timeout(PATIENCE_S):
        code, out, err = await tail

    assert {code for code, _, _ in sent} == {0}
    assert (code, err) == (0, "")
    seen = [json.loads(line)["text"] for line in out.splitlines()]
    assert sorted(seen) == sorted(["named the room 'harbour watch'", *(f"message {n}" for n in range(20))])
    (room,) = town.node.rooms
    assert len({row.hash for row in town.node.messages(room)}) == 1 + 20


async def test_no_terminal_no_question(town: Town, tmp_path: Path) -> None:
    """Where nobody can be asked, a missing file is an error that names it."""
    variables = environment(town, "ana")
    del variables["YURT_PASSPHRASE_FILE"]

    no_phrase_file = await run(variables, "join", LINK, "ana")
    no_passphrase = await run(variables, "join", LINK, "ana", "--phrase-file", str(tmp_path / "phrase"))

    assert no_phrase_file[0] == no_passphrase[0] == 2
    assert "--phrase-file" in no_phrase_file[2]
    assert "YURT_PASSPHRASE_FILE" in no_passphrase[2]
    assert all(len(err.splitlines()) == 1 for _, _, err in (no_phrase_file, no_passphrase))
    assert not (tmp_path / "phrase").exists()


async def test_join_in_a_terminal(town: Town) -> None:
    """A person types a passphrase twice, unseen, and is shown 24 words once."""
    variables = environment(town, "ana")
    del variables["YURT_PASSPHRASE_FILE"]
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "yurt.cli.main",
        "join",
        LINK,
        "ana",
        env=variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)

    shown = ""
    for _ in range(2):
        shown += await _until_prompt(ours)
        os.write(ours, PASSPHRASE.encode() + b"\n")
    code = await process.wait()
    shown += (await asyncio.to_thread(os.read, ours, 65536)).decode()
    os.close(ours)

    assert code == 0
    assert PASSPHRASE not in shown
    assert len(re.findall(r"\b\d{1,2}\. [a-z]+", shown)) == 24
    assert f"You are ana@{HARBOUR} now." in shown
    assert max(map(len, shown.splitlines())) <= 80  # a usual terminal breaks no word in two


async def _until_prompt(terminal: int) -> str:
    """Read from a terminal until something is asked."""
    shown = ""
    async with asyncio.timeout(PATIENCE_S):
        while not shown.endswith(": "):
            shown += (await asyncio.to_thread(os.read, terminal, 1024)).decode()
    return shown


async def test_refused_join_leaves_nothing(town: Town) -> None:
    """A wrong invite or a taken name makes no vault and no phrase file."""
    wrong = LINK[:-4] + "AAAA"
    phrase = town.home("ana").parent / "ana.phrase"

    refused = await yurt(town, "ana", "join", wrong, "ana", "--phrase-file", str(phrase))
    home_after = list(town.home("ana").iterdir())
    await join(town, "ana")
    taken = await yurt(town, "eve", "join", LINK, "ana", "--phrase-file", str(phrase) + ".eve")

    assert (refused[0], taken[0]) == (3, 3)
    assert refused[2] == "yurt: this invite is not valid; ask for a new one\n"
    assert home_after == []
    assert list(town.home("eve").iterdir()) == []
    assert not phrase.with_suffix(".phrase.eve").exists()


async def test_lost_answer_of_ajoin(town: Town) -> None:
    """A join whose answer was lost is finished by the same command, with the same identity."""
    phrase = town.home("ana").parent / "ana.phrase"
    town.node.lose_answers = 1

    lost = await join(town, "ana")
    words = phrase.read_text(encoding="ascii")
    again = await yurt(town, "ana", "join", LINK, "ana", "--phrase-file", str(phrase) + "2", "--json")

    assert lost[0] == 6
    assert "run the same join again" in lost[2]
    assert again[0] == 0
    assert json.loads(again[1])["did"] == town.node.residents["ana"].did
    assert stat.S_IMODE(phrase.stat().st_mode) == 0o600  # one stat
    assert len(words.split()) == 24


async def test_clear_errors(town: Town) -> None:
    """Each error is one line that says what to do, and an exit code of its kind."""
    nobody = await yurt(town, "ana", "rooms")
    await join(town, "ana")
    again = await join(town, "ana")
    no_room = await yurt(town, "ana", "send", "attic", "hello")
    (town.home("ana").parent / "bad").write_text("wrong passphrase\n", encoding="utf-8")
    wrong = await _with_passphrase(town, str(town.home("ana").parent / "bad"))
    usage = await yurt(town, "ana", "tail", "--count", "many")
    await town.node.stop()
    offline = await yurt(town, "ana", "follow", "bo@hilltop.example")

    codes = [run[0] for run in (nobody, again, no_room, wrong, usage, offline)]
    assert codes == [4, 3, 4, 5, 2, 6]
    errors_seen = [run[2].splitlines() for run in (nobody, again, no_room, wrong, offline)]
    assert [len(lines) for lines in errors_seen] == [1] * 5, errors_seen


async def test_a_rescue_needs_a_folder_of_its_own(town: Town) -> None:
    """Whoever starts a rescue where somebody lives is told so, not that nobody does."""
    joined = await join(town, "ana")
    rescue = await yurt(town, "ana", "rescue")

    assert (joined[0], rescue[0]) == (0, 2)
    assert "set YURT_HOME to a new folder" in rescue[2]


async def _with_passphrase(town: Town, file: str) -> tuple[int, str, str]:
    return await run({**environment(town, "ana"), "YURT_PASSPHRASE_FILE": file}, "rooms")


def test_json_is_ascii() -> None:
    """What programs read cannot move a terminal's cursor, whoever wrote it."""
    assert dumps({"text": "\x1b[2J\u202e\u009b", "id": b"\x01"}) == (
        '{"text": "\\u001b[2J\\u202e\\u009b", "id": "01"}'
    )


def test_which_room() -> None:
    """A room is meant by its name or by the beginning of its id, if that is only one."""
    rooms = [
        RoomView(room=bytes([number]) * 32, name=name, hub=HARBOUR, epoch=0, participants=())
        for number, name in ((0xAA, "tea"), (0xAB, "tea"), (0xCC, "aaaa"))
    ]

    assert pick_room(rooms, "abab").room == rooms[1].room
    assert pick_room(rooms, "aaaa").room == rooms[2].room  # a name goes before an id
    with pytest.raises(ProblemError, match="could be several"):
        pick_room(rooms, "tea")
    with pytest.raises(ProblemError, match="no room"):
        pick_room(rooms, "a")


def test_help_cpu() -> None:
    """Help costs little CPU: printed for the record, judged by the benchmark."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "yurt.cli.main", "--help"], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    spent_ms = 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    print(f"yurt --help: {spent_ms:.0f} ms of CPU (aim: {HELP_MS})")  # noqa: T201
