"""Tokens that open streams came with, looked at again all together."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Final, cast

import pytest

from yurt.node.accounts.devices import AccountDevices
from yurt.node.accounts.sessions import Sessions
from yurt.node.accounts.tokens import token_hash
from yurt.node.dispatcher import Caller
from yurt.node.limiter import Limiter
from yurt.node.people.record_book import RecordBook
from yurt.node.store import accounts
from yurt.node.store.sqlite import SqliteStore
from yurt.node.store.steps import STEPS
from yurt.node.store.types import Tx
from yurt.node.testing_clock import SetClock
from yurt.node.work_pool import WorkPool

NOW: Final = SetClock().now_s()
MANY: Final = 1_200
"""More than one statement looks for."""


def caller(number: int) -> Caller:
    return Caller("ana", "https://harbour.example/users/ana", "did:key:zAna", number.to_bytes(16, "big"))


def token(number: int) -> str:
    return f"token {number}"


def sign_in_many(tx: Tx) -> None:
    """Devices of ana with tokens 0 to MANY - 1; token 0 is over."""
    account = tx.inserted(
        """
        INSERT INTO account (name, did, actor_key, actor_key_pem, login_salt, login_hash, login_memory_kib,
            login_passes, created_at)
        VALUES ('ana', 'did:key:zAna', x'', '', x'', x'', 0, 0, 0)
        """
    )
    for number in range(MANY):
        device_id = caller(number).device_id
        accounts.put_device(tx, account, device_id, token_hash(token(number)), NOW + 100 * bool(number))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncGenerator[SqliteStore]:
    store = await SqliteStore.open(tmp_path / "node.db", STEPS)
    await store.write(sign_in_many)
    yield store
    await store.close()


async def test_those_that_are_over_or_unknown_are_told_and_the_others_were_here(store: SqliteStore) -> None:
    """One look at a thousand tokens finds the two that count no more, and notes who is still here."""
    clock, limiter = SetClock(), Limiter()
    sessions = Sessions("harbour.example", store, clock, WorkPool(), limiter)
    book = cast(RecordBook, None)  # no record comes in this story
    devices = AccountDevices("harbour.example", store, clock, limiter, sessions, book)
    shown = {token(number): caller(number) for number in range(MANY)} | {"forged": caller(MANY)}

    over = await devices.ended(shown)

    seen = await store.read(lambda tx: tx.rows("SELECT device_id, last_seen FROM device_seen"))
    assert over == {token(0): "tokenExpired", "forged": "notSignedIn"}
    assert sorted(seen) == [(caller(number).device_id, NOW) for number in range(1, MANY)]
