"""Making an account for somebody who comes with their person: a move, or a rescue (TRUST 9).

As in `yurt.node.accounts.joining` everything is one transaction, or nothing. The chain of person records
must continue what this node knows of the did; two records at one number are shown, and nobody arrives on
them. The account says from its first moment that it is also the actor that is left.
"""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from yurt.identity.errors import RecordError, RemoteIdentityError
from yurt.identity.signed_record import Frozen, SignedRecord, VerifiedRecord, verify_chain, verify_record
from yurt.identity.statement import verify_statement
from yurt.node.accounts.actor_keys import ActorKey, read_actor_key
from yurt.node.accounts.login_keys import LOGIN_KEY_SIZE, store_form
from yurt.node.accounts.sessions import Sessions, same_secret
from yurt.node.accounts.tokens import TOKEN_LIFETIME_S, new_token, secret_hash, token_hash
from yurt.node.clock import Clock
from yurt.node.dispatcher import Caller, Context, Handlers
from yurt.node.ids import ACCOUNT_NAME, actor_url, address_of
from yurt.node.limiter import JOIN_RATE, Limiter, limited_address
from yurt.node.people.record_book import RecordBook
from yurt.node.store import account_care, accounts, moves, people, records
from yurt.node.store.accounts import NewAccount, StoredLogin
from yurt.node.store.people import KnownPerson
from yurt.node.store.types import Store, Tx
from yurt.node.work_pool import WorkPool
from yurt.wire.account_commands import SignedIn
from yurt.wire.command import Answer
from yurt.wire.move_commands import Arrive, RescueKit
from yurt.wire.portability_commands import FetchKit
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import DEVICE_ID_SIZE

MAX_RECORDS: Final = 64
FetchKitHandler = Callable[[Context, FetchKit], Awaitable[Answer]]


class Arriving:
    """Takes in people who have lived elsewhere."""

    def __init__(
        self,
        domain: str,
        store: Store,
        clock: Clock,
        work: WorkPool,
        limiter: Limiter,
        sessions: Sessions,
        book: RecordBook,
        fetch_kit: FetchKitHandler,
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._work = work
        self._limiter = limiter
        self._sessions = sessions
        self._book = book
        self._fetch_kit = fetch_kit

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {Arrive.name: self.arrive, RescueKit.name: self.rescue_kit}

    async def arrive(self, context: Context, command: Arrive) -> SignedIn:
        """Make the account, or sign in if an arrival of this person made it before, with whatever invite."""
        self._limiter.take("join", limited_address(context.address), JOIN_RATE)
        await self._check_invite(command.code, command.secret)
        chain = await self._chain(command)
        self._check_person(command, chain[-1])
        did = chain[-1].did
        earlier = await self._store.read(lambda tx: accounts.account_named(tx, command.account))
        if earlier is not None:
            login = await self._store.read(lambda tx: accounts.login_of(tx, earlier.id))
            if earlier.did != did:
                raise _taken(command.account)
            if not await self._sessions.matches(login, command.login_key):
                raise _lived_here(earlier.name)
            return await self._sessions.sign_in(earlier, command.device_id)
        key = await self._work.run(lambda: read_actor_key(command.actor_key))
        made = await self._work.run(lambda: store_form(command.login_key))
        return await self._make(
            command, chain, key, StoredLogin(made.salt, made.hash, made.memory_kib, made.passes)
        )

    async def rescue_kit(self, context: Context, command: RescueKit) -> Answer:
        """Fetch a kit for somebody who holds an invite of this node and has no account yet."""
        self._limiter.take("rescue", limited_address(context.address), JOIN_RATE)
        await self._check_invite(command.code, command.secret)
        guest = Caller(f"invite {command.code}", "", "", b"")
        return await self._fetch_kit(
            Context(context.address, guest), FetchKit(command.buddy, command.request)
        )

    async def _check_invite(self, code: str, secret: bytes) -> None:
        stored = await self._store.read(lambda tx: accounts.invite_secret(tx, code))
        if not same_secret(stored, secret_hash(secret)):
            raise _wrong_invite()

    async def _chain(self, command: Arrive) -> list[VerifiedRecord]:
        """The records, verified, and verified to continue what is known here.

        Raises:
            ProblemError: `badRecord` with the rule.
        """
        if not 1 <= len(command.records) <= MAX_RECORDS:
            raise refuse("badRecord", "a person comes with their person records", rule="noRecord")
        try:
            signed = [SignedRecord.decode(body) for body in command.records]
            outcome = verify_chain(signed)
            chain = [verify_record(one) for one in signed]
            known = await self._book.known(chain[-1].did)
            if known is not None and chain[0].record.seq > known.record.seq + 1:
                known = await self._book.take(chain[0].signed.encode())  # fetches what lies between
            if not isinstance(outcome, Frozen) and known is not None:
                newer = [one.signed for one in chain if one.record.seq >= known.record.seq]
                if not newer:
                    raise RecordError(
                        "recordOld", "a newer person record is known here: somebody moved again"
                    )
                outcome = verify_chain(newer, known)
        except RemoteIdentityError as error:
            raise refuse("badRecord", str(error), rule=error.rule) from error
        if isinstance(outcome, Frozen):
            # Both are kept, so that whoever asks here is told (TRUST 1).
            with contextlib.suppress(RemoteIdentityError):
                await self._book.take(outcome.other.signed.encode())
            raise _frozen(outcome.known.record.actor)
        return chain

    def _check_person(self, command: Arrive, record: VerifiedRecord) -> None:
        if not ACCOUNT_NAME.match(command.account):
            raise refuse("badName", "a name has 1 to 30 of the characters a to z, 0 to 9 and _")
        if len(command.login_key) != LOGIN_KEY_SIZE or len(command.device_id) != DEVICE_ID_SIZE:
            raise refuse("badRequest", "the login key has 32 bytes and the device id 16")
        actor = actor_url(self._domain, command.account)
        try:
            did = verify_statement(command.statement, actor)
        except RemoteIdentityError as error:
            raise refuse("badRecord", str(error), rule=error.rule) from error
        newest, device = record.record, record.device(command.device_id)
        moved = newest.actor == actor and command.previous in newest.previous_actors
        if did != record.did or not (moved or newest.actor == command.previous) or command.previous == actor:
            raise refuse("badRecord", "records, statement, account and old actor do not belong together")
        if device is None or device.not_after <= self._clock.now_s():
            raise refuse("badRecord", "the newest record does not list this device, or it has expired")

    async def _make(
        self, command: Arrive, chain: list[VerifiedRecord], key: ActorKey, login: StoredLogin
    ) -> SignedIn:
        now_s, token, did = self._clock.now_s(), new_token(), chain[-1].did
        expires_at, actor = now_s + TOKEN_LIFETIME_S, actor_url(self._domain, command.account)
        account = NewAccount(
            command.account, did, command.statement, key.private_der, key.public_pem, login, now_s
        )
        address = address_of(self._domain, command.account)
        person = KnownPerson(actor, address, did, statement=command.statement, fetched_at=now_s)

        def unit(tx: Tx) -> None:
            if (mine := accounts.account_of(tx, did)) is not None:
                raise _lived_here(mine.name)
            if accounts.account_named(tx, account.name) or account_care.reserved(tx, account.name, did):
                raise _taken(account.name)
            if not accounts.use_invite(tx, command.code, now_s):
                raise _wrong_invite()
            for one in chain:
                records.add_record(tx, did, one.record.seq, one.hash, one.signed.encode(), now_s)
            if records.newest_record(tx, did) != chain[-1].signed.encode():
                raise _frozen("")
            number = accounts.add_account(tx, account, command.code)
            accounts.put_device(tx, number, command.device_id, token_hash(token), expires_at)
            people.put_person(tx, person)
            moves.add_alias(tx, number, command.previous)

        await self._store.write(unit)
        return SignedIn(account.name, actor, token, expires_at)


def _taken(name: str) -> ProblemError:
    return refuse("nameTaken", f"{name} is taken on this node; choose another name")


def _lived_here(name: str) -> ProblemError:
    """Somebody comes back to where they had an account before; only a person's own records lead here."""
    return refuse(
        "nameTaken",
        f"you had an account here before, {name}: you can come back once the operator has deleted it "
        f"(`yurt node account delete {name} --yes`)",
        rule="livedHere",
    )


def _wrong_invite() -> ProblemError:
    return refuse("wrongInvite", "this invite is not valid (any more); ask for a new one")


def _frozen(actor: str) -> ProblemError:
    where = f": the other one names {actor}" if actor else ""
    return refuse(
        "badRecord",
        f"two person records compete{where}; nobody believes either until you have decided",
        rule="recordFrozen",
    )
