"""Mailboxes: where two devices of a person meet for two minutes (`yurt.identity.linking`).

The node keeps three messages that it cannot read under a name that says nothing, and hands them to whoever
asks by that name: 128 bits that only the two devices can derive. The first message is an account's; the
offer comes from a device that has no account yet. What was said at a step stands: nobody, not even the node
afterwards, can say something else there without the devices noticing (each message binds those before it).
"""

import asyncio
from typing import Final

from yurt.identity.link_code import MAILBOX_SIZE
from yurt.identity.linking import LINK_WINDOW_S, MAX_LINK_SIZE
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.limiter import Limiter, Rate, limited_address
from yurt.node.store import accounts, devices
from yurt.node.store.types import Store, Tx
from yurt.wire.command import Done
from yurt.wire.device_commands import LINK_STEPS, LinkGet, LinkMail, LinkPut
from yurt.wire.problems import ProblemError, refuse

LINK_RATE: Final = Rate(burst=20, every_s=5.0)
"""Of one address; reading waits at the node, so an honest device asks every few seconds."""
MAX_MAILBOXES: Final = 4
"""Open ones of one account."""
WAIT_S: Final = 8.0
"""How long a reader waits for a message before it is told that there is none yet."""
MAX_WAITING: Final = 256
"""Readers that wait at once; further ones are answered at once."""
HELLO, OFFER = 0, 1


class Mailboxes:
    """Keeps messages for two minutes."""

    def __init__(self, store: Store, clock: Clock, limiter: Limiter) -> None:
        self._store = store
        self._clock = clock
        self._limiter = limiter
        self._waiting: dict[bytes, set[asyncio.Event]] = {}
        self._count = 0

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {LinkPut.name: self.put, LinkGet.name: self.get}

    async def put(self, context: Context, command: LinkPut) -> Done:
        """Keep a message of a mailbox."""
        self._limiter.take("link", limited_address(context.address), LINK_RATE)
        _check(command.mailbox, command.step)
        if not 0 < len(command.body) <= MAX_LINK_SIZE:
            raise refuse("tooLarge", "a message of a mailbox has 1 to 65536 bytes", limit=MAX_LINK_SIZE)
        account = "" if command.step == OFFER else context.who.account
        now_s = self._clock.now_s()
        await self._store.write(lambda tx: _keep(tx, command, account, now_s))
        for event in self._waiting.get(command.mailbox, ()):
            event.set()
        return Done()

    async def get(self, context: Context, command: LinkGet) -> LinkMail:
        """Give a message of a mailbox, or wait a little for it; nothing tells which mailboxes exist."""
        self._limiter.take("link", limited_address(context.address), LINK_RATE)
        _check(command.mailbox, command.step)
        event = asyncio.Event()
        waiting = self._waiting.setdefault(command.mailbox, set())
        waiting.add(event)
        self._count += 1
        try:
            body = await self._read(command)
            if not body and self._count <= MAX_WAITING:
                await _wait(event)
                body = await self._read(command)
        finally:
            self._count -= 1
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(command.mailbox, None)
        return LinkMail(body)

    async def _read(self, command: LinkGet) -> bytes:
        now_s = self._clock.now_s()
        return await self._store.read(lambda tx: devices.mail(tx, command.mailbox, command.step, now_s))


async def _wait(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(WAIT_S):
            await event.wait()
    except TimeoutError:
        return


def _check(mailbox: bytes, step: int) -> None:
    if len(mailbox) != MAILBOX_SIZE or not 0 <= step < LINK_STEPS:
        raise refuse("badRequest", "a mailbox is named by 16 bytes and has the steps 0, 1 and 2")


def _keep(tx: Tx, command: LinkPut, account: str, now_s: int) -> None:
    """Keep a message if it is its turn.

    Raises:
        ProblemError: `notFound`, `notAllowed`, `tooMany`.
    """
    devices.drop_old_mail(tx, now_s)
    said = devices.mail(tx, command.mailbox, command.step, now_s)
    if said == command.body:
        return
    if said:
        raise refuse("notAllowed", "this was said already: make a new code", rule="linkUsed")
    owner = _owner(tx, account)
    if command.step == HELLO:
        if owner is None or devices.count_mailboxes(tx, owner) >= MAX_MAILBOXES:
            raise refuse(
                "tooMany", "too many codes at once; wait two minutes", retry_after=float(LINK_WINDOW_S)
            )
        devices.put_mail(tx, command.mailbox, HELLO, owner, command.body, now_s + LINK_WINDOW_S)
        return
    place = devices.mailbox_of(tx, command.mailbox, now_s)
    before = devices.mail(tx, command.mailbox, command.step - 1, now_s)
    if place is None or not before or (command.step != OFFER and place[0] != owner):
        raise _gone()
    devices.put_mail(tx, command.mailbox, command.step, place[0], command.body, place[1])


def _owner(tx: Tx, account: str) -> int | None:
    row = accounts.account_named(tx, account) if account else None
    return row.id if row else None


def _gone() -> ProblemError:
    """One answer for a mailbox that is over, unknown or somebody else's."""
    return refuse("notFound", "the code is wrong, was used, or its two minutes are over: make a new one")
