"""Linking a second device, on the old one: it has the phrase, and shows the code (TRUST 1).

The identity key is in memory for two minutes at most, between the phrase and the new device's offer. The
record and the answer are kept in one transaction before anybody hears of them; from then on a restart only
says both again (`finish`). A code is used once: a wrong offer ends it, and the person makes another.
"""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from sqlcipher3.dbapi2 import Connection

from yurt.client.core import Core
from yurt.client.devices import own_record
from yurt.client.devices.calls import LinkCodeView, LinkView
from yurt.client.vault import accounts, link_answers
from yurt.client.vault.accounts import Account
from yurt.client.vault.link_answers import LinkAnswer
from yurt.identity.device import DevicePublic
from yurt.identity.errors import IdentityError, PhraseError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.link_code import LinkCode
from yurt.identity.linking import LINK_WINDOW_S, LinkState, OldDevice
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import SignedRecord, next_record
from yurt.wire.command import Done
from yurt.wire.device_commands import (
    LinkGet,
    LinkMail,
    LinkPut,
    OwnRecord,
    PublishedRecord,
    PublishRecord,
)
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import DEVICE_LIFETIME_S, MAX_DEVICES

HELLO, OFFER, ANSWER = 0, 1, 2
BEATEN: Final = "recordBeaten"
TRIES: Final = 5
"""How often a record is made anew while others are quicker."""
_OTHERS_FIRST: Final = frozenset({"recordFrozen", "recordOld", "recordPrev"})
RETRY_S: Final = 1.0
"""Between tries while the node cannot be reached."""


@dataclass(slots=True)
class _Link:
    """One code and what became of it."""

    old: OldDevice
    view: LinkView = field(default_factory=lambda: LinkView(outcome="waiting"))


class Linking:
    """Links devices, one at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._link: _Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    async def close(self) -> None:
        """Forget a code that nobody used yet."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def begin(self, phrase: str) -> LinkCodeView:
        """Make a code; an earlier one that nobody used ends.

        Raises:
            ProblemError: The phrase is mistyped or somebody else's, there are ten devices already, or the
                node cannot be reached.
        """
        core = self._core
        identity = await asyncio.to_thread(identity_of, phrase)
        own_record.check_phrase_of(core, identity.did)
        await refresh(core)
        if len(own_record.own_record(core.account).record.devices) >= MAX_DEVICES:
            raise refuse("notAllowed", f"you have {MAX_DEVICES} devices: revoke one first")
        await self.close()
        code = LinkCode.generate()
        old = OldDevice.open(code, core.account.did, core.account.device.public, core.now_s)
        await core.session.call(LinkPut(mailbox=code.mailbox_id, step=HELLO, body=old.hello), Done)
        link = self._link = _Link(old)
        self._changed = asyncio.Event()
        self._task = asyncio.create_task(self._serve(link, identity), name="linking a device")
        return LinkCodeView(code=code.text, node=core.account.node, until=old.opened_at + LINK_WINDOW_S)

    async def wait(self, within: float) -> LinkView:
        """Wait a while for the new device; says how far it is."""
        if self._link is None:
            return LinkView(outcome="none", problem="the linking was interrupted: make a new code")
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            pass
        return self._link.view

    async def finish(self) -> None:
        """Say again what a restart has cut off: publish the own record, answer the new device.

        Raises:
            ProblemError: The node cannot be reached, or refuses the record.
        """
        core = self._core
        for waiting in await core.vault.read(link_answers.every):
            await own_record.take_over(core)
            account = core.account
            await publish(core, account.record)
            if own_record.own_record(account).device(waiting.device_id) is None:
                continue  # another device was quicker: this answer tells of a record that nobody has
            if waiting.until >= core.now_s:
                await self._say(waiting)
            await core.vault.write(partial(_said, waiting.mailbox))

    async def _serve(self, link: _Link, identity: IdentityKey) -> None:
        try:
            link.view = await self._linked(link, identity)
        except ProblemError as error:
            link.view = LinkView(outcome="failed", problem=error.problem.message)
        except IdentityError as error:
            link.view = LinkView(outcome="failed", problem=str(error))
        finally:
            self._changed.set()

    async def _linked(self, link: _Link, identity: IdentityKey) -> LinkView:
        core, mailbox = self._core, link.old.code.mailbox_id
        offer = await self._offer(link)
        old, device = link.old.receive(offer, core.now_s)
        if device is None:
            if old.state is LinkState.EXPIRED:
                return LinkView(outcome="expired", problem="nobody came within two minutes: make a new code")
            return LinkView(outcome="failed", problem="somebody came with another code: make a new one")
        until = old.opened_at + LINK_WINDOW_S

        def unit(tx: Connection) -> tuple[Account, LinkAnswer]:
            return _list(tx, identity, old, device, core.now_s, LinkAnswer(mailbox, b"", b"", until))

        for _ in range(TRIES):
            account, _answer = await core.write(unit)
            own_record.enter(core, account)
            try:
                await self._until_done(until)
            except ProblemError as error:
                if error.problem.detail.get("rule") != BEATEN:
                    raise
            # It may also have been `finish` at a new connection that has seen that others were quicker.
            await own_record.take_over(core)
            if own_record.own_record(core.account).device(device.device_id) is not None:
                return LinkView(outcome="linked", device_id=device.device_id)
        raise refuse("overloaded", "other devices of yours change the list all the time: try again")

    async def _offer(self, link: _Link) -> bytes:
        """Wait for the offer; empty once the two minutes are over."""
        core, request = self._core, LinkGet(mailbox=link.old.code.mailbox_id, step=OFFER)
        while core.now_s <= link.old.opened_at + LINK_WINDOW_S:
            try:
                mail = await core.session.call(request, LinkMail)
            except ProblemError as error:
                if not error.problem.kind.retry:
                    raise
                await asyncio.sleep(max(RETRY_S, error.problem.retry_after or 0.0))
                continue
            if mail.body:
                return mail.body
        return b""

    async def _until_done(self, until: int) -> None:
        """Publish and answer; what fails for long is done by the next start."""
        while True:
            try:
                await self.finish()
            except ProblemError as error:
                if not error.problem.kind.retry or self._core.now_s > until:
                    raise
                await asyncio.sleep(max(RETRY_S, error.problem.retry_after or 0.0))
            else:
                return

    async def _say(self, waiting: LinkAnswer) -> None:
        request = LinkPut(mailbox=waiting.mailbox, step=ANSWER, body=waiting.answer)
        try:
            await self._core.session.call(request, Done)
        except ProblemError as error:
            if error.problem.code != "notFound":
                raise
            # The mailbox is over; the new device finds itself in the record that the node has.


def _said(mailbox: bytes, tx: Connection) -> None:
    link_answers.drop(tx, mailbox)


def identity_of(phrase: str) -> IdentityKey:
    """Derive the identity key.

    Raises:
        ProblemError: ``badRequest``: mistyped; says where.
    """
    return phrase_of(phrase).identity_key()


def phrase_of(words: str) -> RecoveryPhrase:
    """Read 24 words.

    Raises:
        ProblemError: ``badRequest``: mistyped; says where.
    """
    try:
        return RecoveryPhrase.parse(words)
    except PhraseError as error:
        raise refuse("badRequest", str(error), rule=error.rule) from None


async def refresh(core: Core) -> None:
    """Learn the newest own record from the node: the next one must follow it.

    Raises:
        ProblemError: The node cannot be reached.
    """
    answer = await core.session.call(OwnRecord(core.account.did), PublishedRecord)
    await own_record.learn(core, answer.record)


async def publish(core: Core, record: bytes) -> None:
    """Give the node an own record; again is no error.

    Raises:
        ProblemError: The node cannot be reached, or refuses it; with the rule ``recordBeaten`` another device
            was quicker, and its record is the own one now: do it again.
    """
    try:
        await core.session.call(PublishRecord(record), PublishedRecord)
    except ProblemError as error:
        if error.problem.detail.get("rule") not in _OTHERS_FIRST:
            raise
        newest = await core.session.call(OwnRecord(core.account.did), PublishedRecord)
        if not await own_record.give_way(core, record, newest.record):
            raise
        text = "another device of yours changed the list of devices at the same moment: do it again"
        raise refuse("refused", text, rule=BEATEN) from error


def _list(
    tx: Connection, identity: IdentityKey, old: OldDevice, device: DevicePublic, now_s: int, blank: LinkAnswer
) -> tuple[Account, LinkAnswer]:
    """Make the record that lists the new device, and the answer; keep both."""
    account = accounts.load(tx)
    if account is None:
        raise refuse("internal", "there is no account in this vault")
    added = [(device, now_s + DEVICE_LIFETIME_S)]
    signed: SignedRecord = next_record(own_record.own_record(account), identity, time=now_s, add=added)
    account = replace(account, record=signed.encode())
    answer = replace(blank, device_id=device.device_id, answer=old.answer(signed))
    accounts.save(tx, account)
    link_answers.keep(tx, answer)
    return account, answer
