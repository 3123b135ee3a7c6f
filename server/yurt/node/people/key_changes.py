"""An account signs with another actor key from now on: its person wanted it, with the 24 words (TRUST 9).

Followers elsewhere hear it by an Update of the actor. That goes out under the old key, as does all that
waited before it: some software fetches no key anew because a signature does not fit (docs/migrations.md), and
Mastodon takes a change of keys that the known key signed for what it is. A peer that has the new one already
gets it under that (`yurt.node.people.delivery_attempt`). The key of integrity proofs stays: no device ever
had it, and posts that were passed on are proved by it.
"""

from collections.abc import Callable
from typing import Final

from yurt.identity.device_login import decode_device_login, verify_device_login
from yurt.identity.did import parse_did
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import VerifiedRecord
from yurt.node.accounts.actor_keys import read_actor_key
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.ids import account_at
from yurt.node.limiter import Limiter, Rate, limited_address
from yurt.node.people.move_checks import account_of
from yurt.node.people.profiles import tell_key
from yurt.node.people.record_book import RecordBook
from yurt.node.store import accounts, people, replay, retired_keys
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.portability.actor_key import fingerprint_of_pem, verify_change
from yurt.portability.errors import KeyChangeError
from yurt.wire.actor_key_commands import ChangeActorKey, SeenKey, ShowSeenKey
from yurt.wire.command import Done
from yurt.wire.problems import refuse
from yurt.wire.registry import CLAIM_WINDOW_S

CHANGE_RATE: Final = Rate(burst=5, every_s=600.0)
"""Changes of one account: each is told to everybody who has a tie with it."""
SEEN_RATE: Final = Rate(burst=20, every_s=6.0)
AHEAD_MS: Final = 600_000
"""How far a person's clock may be ahead: a change in a year would bar all that come before it."""


class KeyChanges:
    """Exchanges actor keys, and tells a person which one of theirs is known here."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        work: WorkPool,
        limiter: Limiter,
        book: RecordBook,
        wake_delivery: Callable[[], None],
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._work = work
        self._limiter = limiter
        self._book = book
        self._wake_delivery = wake_delivery

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {ChangeActorKey.name: self.change, ShowSeenKey.name: self.show_seen}

    async def change(self, context: Context, command: ChangeActorKey) -> Done:
        """Take another actor key; the same one again changes nothing."""
        who = context.who
        self._limiter.take("change key", who.account, CHANGE_RATE)
        key = await self._work.run(lambda: read_actor_key(command.key))
        named = fingerprint_of_pem(key.public_pem)
        try:
            at = verify_change(command.change, did=parse_did(who.did), actor=who.actor, fingerprint=named)
        except KeyChangeError as error:
            raise refuse("refused", str(error), rule=error.rule) from None
        now_ms = self._clock.now_ms()
        if at > now_ms + AHEAD_MS:
            raise refuse("refused", "the word for the new key comes from the future", rule="keyTime")

        def unit(tx: Tx) -> bool:
            account = account_of(tx, who.account)
            if account.actor_key_pem == key.public_pem:
                return False
            if at <= retired_keys.key_changed(tx, account.id):
                raise refuse("refused", "this account has a newer actor key already", rule="keyOld")
            retired = retired_keys.exchange(
                tx, account.id, key.private_der, key.public_pem, at, now_ms // 1000
            )
            tell_key(tx, self._domain, account_of(tx, who.account), now_ms)
            retired_keys.sign_waiting(tx, who.account, retired)
            return True

        if await self._store.write(unit):
            self._wake_delivery()
        return Done()

    async def show_seen(self, context: Context, command: ShowSeenKey) -> SeenKey:
        """Tell a person which actor key of theirs this node would believe, as it has it now."""
        self._limiter.take("seen key", limited_address(context.address), SEEN_RATE)
        now_s = self._clock.now_s()
        try:
            login = decode_device_login(command.proof)
            record = await self._book.known(login.did)
            if record is None:
                raise refuse("notFound", "this node does not know you")
            verify_device_login(login, record, node=self._domain, now=now_s)
        except RemoteIdentityError as error:
            raise refuse("badSignature", str(error), rule=error.rule) from error
        once, until = b"login/" + login.nonce + login.device_id, now_s + 2 * CLAIM_WINDOW_S
        if not await self._store.write(lambda tx: replay.first_time(tx, once, now_s, until)):
            raise refuse("badSignature", "this proof was used already; make a new one", rule="loginReplay")
        return await self._store.read(lambda tx: self._seen(tx, record, now_s))

    def _seen(self, tx: ReadTx, record: VerifiedRecord, now_s: int) -> SeenKey:
        """Of somebody who lives here the key that signs for them, else the one that was kept."""
        actor = record.record.actor
        account = accounts.account_of(tx, record.did)
        if account is not None and account_at(self._domain, actor) == account.name:
            return SeenKey(fingerprint=fingerprint_of_pem(account.actor_key_pem), fetched_at=now_s)
        known = people.person_at(tx, actor)
        if known is None or not known.key_pem:
            return SeenKey()
        return SeenKey(fingerprint=fingerprint_of_pem(known.key_pem), fetched_at=known.fetched_at)
