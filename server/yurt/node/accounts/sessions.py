"""Signing in and out, and whose token it is."""

import asyncio
import hmac
from collections.abc import Callable, Coroutine, Mapping
from typing import Final

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.record import PersonRecord
from yurt.identity.signed_record import SignedRecord
from yurt.node.accounts.login_keys import LOGIN_KEY_SIZE, NOBODY, StoredLoginKey
from yurt.node.accounts.tokens import TOKEN_LIFETIME_S, new_token, token_hash
from yurt.node.clock import Clock
from yurt.node.dispatcher import Caller, Context, Handlers
from yurt.node.ids import actor_url
from yurt.node.limiter import LOGIN_RATE, Limiter, Rate, limited_address
from yurt.node.store import account_care, accounts, records
from yurt.node.store.accounts import AccountRow, StoredLogin
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.account_commands import Login, Logout, SignedIn
from yurt.wire.command import Done
from yurt.wire.problems import ProblemError, refuse

_MAX_TOKEN: Final = 128
ACCOUNT_RATE: Final = Rate(burst=60, every_s=2.0)
"""Logins of one account from wherever."""
ANSWER_S: Final = 0.1

EndStreams = Callable[[str], Coroutine[None, None, None]]


async def _end_none(_did: str) -> None:
    """End nothing."""


class Sessions:
    """Tokens of the accounts of this node."""

    def __init__(self, domain: str, store: Store, clock: Clock, work: WorkPool, limiter: Limiter) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._work = work
        self._limiter = limiter
        self._ending: set[asyncio.Task[None]] = set()
        self.end_streams: EndStreams = _end_none
        """Ends the open streams of a did whose device may be signed out now."""

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {Login.name: self.login, Logout.name: self.logout}

    async def authenticate(self, token: str) -> Caller:
        """Say whose token it is.

        Raises:
            ProblemError: `notSignedIn` for an unknown token, `tokenExpired` for an old one.
        """
        if not token or len(token) > _MAX_TOKEN:
            raise refuse("notSignedIn", "sign in first: this token is not known")
        digest = token_hash(token)
        session = await self._store.read(lambda tx: accounts.session_of(tx, digest))
        if session is None:
            raise refuse("notSignedIn", "sign in first: this token is not known")
        if session.expires_at <= self._clock.now_s():
            raise refuse("tokenExpired", "this token is over; sign in again")
        actor = actor_url(self._domain, session.account)
        return Caller(session.account, actor, session.did, session.device_id)

    async def ended(self, shown: Mapping[str, Caller]) -> dict[str, str]:
        """Look at many tokens again, with one read; the problem's code for each that counts no more."""
        digests = {token: token_hash(token) for token in shown}
        expiries = await self._store.read(lambda tx: accounts.expiries(tx, list(digests.values())))
        over, now_s = dict[str, str](), self._clock.now_s()
        for token, digest in digests.items():
            expires_at = expiries.get(digest)
            if expires_at is None:
                over[token] = "notSignedIn"
            elif expires_at <= now_s:
                over[token] = "tokenExpired"
        return over

    async def login(self, context: Context, command: Login) -> SignedIn:
        """Sign a device in; an unknown account costs the same work as a wrong key."""
        # Per address, so that nobody locks somebody else out by wrong logins in their name; the account's
        # own bucket only slows down who guesses from many addresses.
        address = limited_address(context.address)
        self._limiter.take("login", f"{command.account[:64]} {address}", LOGIN_RATE)
        self._limiter.take("login account", command.account[:64], ACCOUNT_RATE)
        self._limiter.take("login address", address, LOGIN_RATE)
        account, stored, record = await self._store.read(lambda tx: _login_data(tx, command.account))
        if not await self.matches(stored, command.login_key) or account is None:
            raise wrong_login()
        _check_listed(record, command.device_id)
        return await self.sign_in(account, command.device_id)

    async def matches(self, stored: StoredLogin | None, login_key: bytes) -> bool:
        """Whether this is the account's login key; never for an account that does not exist."""
        if len(login_key) != LOGIN_KEY_SIZE:
            raise wrong_login()
        login = (
            StoredLoginKey(stored.salt, stored.hash, stored.memory_kib, stored.passes) if stored else NOBODY
        )
        return await self._work.run(lambda: login.matches(login_key)) and stored is not None

    async def sign_in(self, account: AccountRow, device_id: bytes) -> SignedIn:
        """Give a device of an account a new token.

        Raises:
            ProblemError: `notAllowed` for a suspended account, and for a device that the newest record does
                not list: a revocation may have come since the caller looked.
        """
        token, expires_at = new_token(), self._clock.now_s() + TOKEN_LIFETIME_S
        digest = token_hash(token)

        def unit(tx: Tx) -> None:
            if account_care.suspended(tx, account.id):
                raise refuse(
                    "notAllowed", "this account is suspended; speak with the people who run the node"
                )
            _check_listed(records.newest_record(tx, account.did), device_id)
            accounts.put_device(tx, account.id, device_id, digest, expires_at)

        await self._store.write(unit)
        return SignedIn(account.name, actor_url(self._domain, account.name), token, expires_at)

    async def logout(self, context: Context, command: Logout) -> Done:  # noqa: ARG002  # the handlers' shape
        """Forget the calling device's token."""
        who = context.who

        def forget(tx: Tx) -> None:
            account = accounts.account_named(tx, who.account)
            if account is not None:
                accounts.drop_device(tx, account.id, who.device_id)

        await self._store.write(forget)
        # The answer goes out first, then the streams end.
        asyncio.get_running_loop().call_later(ANSWER_S, self._end_streams, who.did)
        return Done()

    def _end_streams(self, did: str) -> None:
        task = asyncio.create_task(self.end_streams(did), name="ending streams")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


def wrong_login() -> ProblemError:
    """One answer for a wrong key and for an account that does not exist."""
    return refuse("wrongLogin", "the account name or the passphrase is wrong")


def same_secret(stored_hash: bytes | None, given_hash: bytes) -> bool:
    """Compare hashes in constant time; never equal to nothing."""
    return hmac.compare_digest(stored_hash or b"", given_hash)


def _login_data(tx: ReadTx, name: str) -> tuple[AccountRow | None, StoredLogin | None, bytes]:
    account = accounts.account_named(tx, name)
    if account is None:
        return None, None, b""
    return account, accounts.login_of(tx, account.id), records.newest_record(tx, account.did)


def _check_listed(record: bytes, device_id: bytes) -> None:
    if not lists_device(record, device_id):
        raise refuse("notAllowed", "this device is not in the newest person record of the account")


def lists_device(record: bytes, device_id: bytes) -> bool:
    """Whether a stored (so once verified) record lists a device."""
    try:
        return PersonRecord.decode(SignedRecord.decode(record).record).device(device_id) is not None
    except RemoteIdentityError:
        return False
