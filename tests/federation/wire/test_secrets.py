"""Secrets on the wire stay on the wire."""

import msgspec
import pytest

from yurt.wire.account_commands import Join, Login, SignedIn
from yurt.wire.frames import Call, ClientHello, Result

SECRET = "open sesame"
RAW = msgspec.Raw(SECRET.encode())


@pytest.mark.parametrize(
    "carrier",
    [
        SignedIn("ana", "https://harbour.example/users/ana", SECRET, 1),
        Login(account="ana", login_key=SECRET.encode(), device_id=b""),
        Join(
            code="code",
            secret=SECRET.encode(),
            account="ana",
            login_key=SECRET.encode(),
            device_id=b"",
            record=b"",
            statement=b"",
            actor_key=SECRET.encode(),
        ),
        ClientHello((1,), token=SECRET),
        Call(1, "login", RAW),
        Result(1, RAW),
    ],
    ids=lambda carrier: type(carrier).__name__,
)
def test_what_carries_a_secret_does_not_show_it(carrier: msgspec.Struct) -> None:
    """A traceback with local variables, or a careless log line, tells nobody's token or key."""
    assert SECRET not in repr(carrier)
    assert SECRET not in f"{carrier} {[carrier]}"
