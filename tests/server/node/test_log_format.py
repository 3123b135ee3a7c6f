"""A log tells where something went wrong, and never what was in it."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from yurt.node.log_format import JsonFormatter, TextFormatter
from yurt.node.testing import Town
from yurt.wire.account_commands import Login
from yurt.wire.people_commands import Followers
from yurt.wire.problems import ProblemError

HARBOUR = "harbour.example"
CANARY = "c4n4ry"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Everything that any part logs, at the most talkative level, as JSON."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(JsonFormatter())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(level)
    root.removeHandler(handler)


def failed() -> logging.LogRecord:
    info = None
    try:
        int(CANARY)
    except ValueError:
        info = sys.exc_info()
    return logging.LogRecord("x", logging.ERROR, "f", 1, "it\nfailed: %s", ("here",), info)


def test_an_exception_is_its_class_and_its_places() -> None:
    """What an exception says may quote a request, so it is not written; an event is one line."""
    lines = [TextFormatter().format(failed()), JsonFormatter().format(failed())]

    for line in lines:
        assert CANARY not in line
        assert "ValueError" in line
        assert "test_log_format.py" in line
        assert len(line.splitlines()) == 1
    event = json.loads(lines[1])
    assert (event["level"], event["logger"], event["message"]) == ("error", "x", "it\nfailed: here")


async def test_nothing_secret_is_logged(harbour: Town, written: io.StringIO) -> None:
    """Joining, a wrong login, a bad token and a hostile body leave no token, key, secret or body behind."""
    link = await harbour.invite(HARBOUR)
    ana = harbour.newcomer("ana", HARBOUR)
    ana.token = (await ana.call(ana.person.join(link))).token
    token = ana.token
    await ana.call(Followers())
    ana.token = CANARY
    with pytest.raises(ProblemError):
        await ana.call(Followers())
    ana.token = ""
    with pytest.raises(ProblemError):
        await ana.call(Login(account="ana", login_key=b"w" * 32, device_id=b"d" * 16))
    async with harbour.session.post(f"https://{HARBOUR}/api/v1/login", data=f'{{"{CANARY}":') as answer:
        assert answer.status == 400
    logging.getLogger("yurt").info("the log is on")

    text = written.getvalue()

    assert "the log is on" in text
    secrets = [token, CANARY, link.secret.hex(), ana.person.login_key.hex(), link.url("").partition("#")[2]]
    assert not [secret for secret in secrets if secret in text]
