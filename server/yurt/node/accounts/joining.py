"""Making an account from an invite: everything in one transaction, or nothing.

The expensive and the refusable come first (record, statement, keys, Argon2id), outside any transaction; one
unit then uses the invite and writes account, token and record together. Two at once with the last use of
one invite: the second finds it used up. The same join again (its answer was lost) signs in.
"""

from dataclasses import dataclass

from yurt.identity.errors import RemoteIdentityError
from yurt.identity.signed_record import SignedRecord, VerifiedRecord, verify_first
from yurt.identity.statement import verify_statement
from yurt.node.accounts.actor_keys import ActorKey, read_actor_key
from yurt.node.accounts.login_keys import LOGIN_KEY_SIZE, store_form
from yurt.node.accounts.sessions import Sessions, same_secret, wrong_login
from yurt.node.accounts.tokens import TOKEN_LIFETIME_S, new_token, secret_hash, token_hash
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.ids import ACCOUNT_NAME, actor_url, address_of
from yurt.node.limiter import JOIN_RATE, Limiter, limited_address
from yurt.node.store import account_care, accounts, people, records
from yurt.node.store.accounts import AccountRow, NewAccount, StoredLogin
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import ReadTx, Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.account_commands import Join, SignedIn
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import DEVICE_ID_SIZE


@dataclass(frozen=True, slots=True)
class _Earlier:
    """An account that stands under the wanted name."""

    account: AccountRow
    login: StoredLogin | None
    with_this_invite: bool


class Joining:
    """Takes new people in."""

    def __init__(
        self, domain: str, store: Store, clock: Clock, work: WorkPool, limiter: Limiter, sessions: Sessions
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._work = work
        self._limiter = limiter
        self._sessions = sessions

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {Join.name: self.join}

    async def join(self, context: Context, command: Join) -> SignedIn:
        """Make an account, or sign in if this very join was done before."""
        self._limiter.take("join", limited_address(context.address), JOIN_RATE)
        await self._check_invite(command)
        record = self._check_person(command)
        earlier = await self._store.read(lambda tx: _earlier(tx, command, record.did))
        if earlier is not None:
            return await self._again(earlier, command, record)
        key = await self._work.run(lambda: read_actor_key(command.actor_key))
        return await self._make(command, record, key, await self._stored(command.login_key))

    async def _stored(self, login_key: bytes) -> StoredLogin:
        login = await self._work.run(lambda: store_form(login_key))
        return StoredLogin(login.salt, login.hash, login.memory_kib, login.passes)

    async def _check_invite(self, command: Join) -> None:
        stored = await self._store.read(lambda tx: accounts.invite_secret(tx, command.code))
        if not same_secret(stored, secret_hash(command.secret)):
            raise _wrong_invite()

    def _check_person(self, command: Join) -> VerifiedRecord:
        if not ACCOUNT_NAME.match(command.account):
            raise refuse("badName", "a name has 1 to 30 of the characters a to z, 0 to 9 and _")
        if len(command.login_key) != LOGIN_KEY_SIZE or len(command.device_id) != DEVICE_ID_SIZE:
            raise refuse("badRequest", "the login key has 32 bytes and the device id 16")
        actor = actor_url(self._domain, command.account)
        try:
            record = verify_first(SignedRecord.decode(command.record))
            did = verify_statement(command.statement, actor)
        except RemoteIdentityError as error:
            raise refuse("badRecord", str(error), rule=error.rule) from error
        device = record.device(command.device_id)
        if record.record.actor != actor or did != record.did or device is None:
            raise refuse("badRecord", "record, statement, device and account name do not belong together")
        if device.not_after <= self._clock.now_s():
            raise refuse("badRecord", "the device's certificate is over: check this computer's clock")
        return record

    async def _again(self, earlier: _Earlier, command: Join, record: VerifiedRecord) -> SignedIn:
        if earlier.account.did != record.did or not earlier.with_this_invite:
            raise refuse("nameTaken", f"{command.account} is taken on this node; choose another name")
        if not await self._sessions.matches(earlier.login, command.login_key):
            raise wrong_login()
        return await self._sessions.sign_in(earlier.account, command.device_id)

    async def _make(
        self, command: Join, record: VerifiedRecord, key: ActorKey, login: StoredLogin
    ) -> SignedIn:
        now_s, token = self._clock.now_s(), new_token()
        expires_at = now_s + TOKEN_LIFETIME_S
        actor = actor_url(self._domain, command.account)
        account = NewAccount(
            command.account, record.did, command.statement, key.private_der, key.public_pem, login, now_s
        )
        address = address_of(self._domain, command.account)
        person = KnownPerson(actor, address, record.did, statement=command.statement, fetched_at=now_s)

        def unit(tx: Tx) -> None:
            if _taken(tx, account):
                raise refuse("nameTaken", f"{account.name} is taken on this node; choose another name")
            if not accounts.use_invite(tx, command.code, now_s):
                raise _wrong_invite()
            number = accounts.add_account(tx, account, command.code)
            accounts.put_device(tx, number, command.device_id, token_hash(token), expires_at)
            records.add_record(tx, record.did, record.record.seq, record.hash, command.record, now_s)
            people.put_person(tx, person)

        await self._store.write(unit)
        return SignedIn(account.name, actor, token, expires_at)


def _earlier(tx: ReadTx, command: Join, did: str) -> _Earlier | None:
    account = accounts.account_named(tx, command.account)
    if account is None:
        return None
    again = accounts.joined_with(tx, command.code, did)
    return _Earlier(account, accounts.login_of(tx, account.id), again)


def _taken(tx: ReadTx, account: NewAccount) -> bool:
    stands = accounts.account_named(tx, account.name) or accounts.account_of(tx, account.did)
    return stands is not None or account_care.reserved(tx, account.name, account.did)


def _wrong_invite() -> ProblemError:
    """One answer for an invite that is unknown, wrong, used up or over."""
    return refuse("wrongInvite", "this invite is not valid (any more); ask for a new one")
