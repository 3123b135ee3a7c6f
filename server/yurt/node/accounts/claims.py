"""Claims: somebody wants key packages of a person, in order to add them to a room (TRUST 6).

A claim is signed by the claimer's device and carried by the claimer's node. It is allowed for somebody whom
the target follows, whom they have let add them (`consents`), and who shares a room with them; whoever is not
allowed gets the same answer as for a person who does not exist. One package a live device, each handed out
once; the same claim again gets the same packages, so that an answer that was lost costs nobody anything.
"""

import hashlib
import os
from typing import Final, Protocol

import msgspec

from yurt.activitypub.follow import FollowState
from yurt.identity.claim import decode_claim, verify_claim
from yurt.identity.errors import RemoteIdentityError
from yurt.identity.location import node_of
from yurt.identity.signed_record import VerifiedRecord
from yurt.node.clock import Clock
from yurt.node.dispatcher import Context, Handlers
from yurt.node.ids import account_at
from yurt.node.people.record_book import RecordBook
from yurt.node.store import accounts, consents, devices, key_packages, people, records, rooms
from yurt.node.store.accounts import AccountRow
from yurt.node.store.types import Store, Tx
from yurt.wire.exchange import Claim, ClaimAnswer
from yurt.wire.key_package_commands import Claimed, ClaimKeyPackages
from yurt.wire.problems import ProblemError, refuse
from yurt.wire.registry import CLAIM_WINDOW_S

CLAIMS_AN_HOUR: Final = 5
"""Of one person for one other."""
BY_ROOM_AN_HOUR: Final = 50
"""Of everybody who only shares a room with a person: many strangers in one room must not use up what those
whom the person follows need."""
_HOUR_S: Final = 3600
ACCEPTED: Final = FollowState.ACCEPTED.value


class ClaimCarrier(Protocol):
    """Carries claims to other nodes."""

    async def carry_claim(self, node: str, claim: Claim) -> ClaimAnswer:
        """Bring a claim to a node and its answer back.

        Raises:
            ProblemError: `peerUnreachable`.
        """
        ...


class KeyPackageClaims:
    """Answers claims of local and remote people, and carries local people's claims elsewhere."""

    def __init__(
        self, domain: str, store: Store, clock: Clock, book: RecordBook, carrier: ClaimCarrier
    ) -> None:
        self._domain = domain
        self._store = store
        self._clock = clock
        self._book = book
        self._carrier = carrier

    def handlers(self) -> Handlers:
        """The commands that are handled here."""
        return {ClaimKeyPackages.name: self.claim}

    async def claim(self, context: Context, command: ClaimKeyPackages) -> Claimed:
        """Claim for a local person, here or at the target's node."""
        who = context.who
        record = await self._store.read(lambda tx: records.newest_record(tx, who.did))
        try:
            node, claimer = node_of(command.actor), decode_claim(command.claim).claimer
        except RemoteIdentityError as error:
            raise refuse("badRequest", str(error), rule=error.rule) from error
        if claimer != who.did:
            raise refuse("badRequest", "the claim is somebody else's", rule="claimClaimer")
        claim = Claim(os.urandom(16), command.actor, who.actor, command.claim, record)
        if node == self._domain:
            answer = await self.claimed(self._domain, claim)
        else:
            answer = await self._carrier.carry_claim(node, claim)
        if answer.problem is not None:
            raise ProblemError(answer.problem)
        return Claimed(answer.key_packages, answer.record)

    async def claimed(self, peer: str, claim: Claim) -> ClaimAnswer:
        """Answer a claim that an account of `peer` makes; a refusal is in the answer."""
        try:
            record = await self._claimer(peer, claim)
            return await self._hand_out(claim, record)
        except RemoteIdentityError as error:
            return ClaimAnswer(claim.id, problem=refuse("badRequest", str(error), rule=error.rule).problem)
        except ProblemError as error:
            return ClaimAnswer(claim.id, problem=error.problem)

    async def _claimer(self, peer: str, claim: Claim) -> VerifiedRecord:
        """Whoever claims: their newest record, which must place them at the node that speaks for them."""
        record = await self._book.take(claim.record)
        if node_of(claim.claimer) != peer or record.record.actor != claim.claimer:
            raise refuse("badRequest", "the claimer does not live at this node", rule="claimerNode")
        return record

    async def _hand_out(self, claim: Claim, record: VerifiedRecord) -> ClaimAnswer:
        now_s = self._clock.now_s()
        name = account_at(self._domain, claim.actor)
        target = await self._store.read(lambda tx: accounts.account_named(tx, name or ""))
        # Whom it names and whether it is signed is asked first: the answer must not depend on who exists.
        named = decode_claim(claim.claim).target
        verified = verify_claim(claim.claim, record, target=named, now=now_s)
        if target is None or target.did != named:
            raise _not_allowed()
        digest, nonce = hashlib.sha256(claim.claim).digest(), verified.nonce + verified.device_id
        until = now_s + 2 * CLAIM_WINDOW_S

        def unit(tx: Tx) -> ClaimAnswer:
            by_room = _allow(tx, target, record, now_s)
            if (given := key_packages.claim_answer(tx, digest, nonce)) is not None:
                return _again(given, claim.id)
            if key_packages.count_claims(tx, record.did, target.did, now_s - _HOUR_S) >= CLAIMS_AN_HOUR:
                raise _too_many()
            if by_room and key_packages.count_claims_of(tx, target.did, now_s - _HOUR_S) >= BY_ROOM_AN_HOUR:
                raise _too_many()
            packages = _take(tx, target.id, now_s)
            if not packages:
                raise refuse("noKeyPackages", "they have no key packages left; they must come online once")
            key_packages.note_claim(tx, record.did, target.did, now_s, now_s - _HOUR_S)
            answer = ClaimAnswer(claim.id, tuple(packages), records.newest_record(tx, target.did))
            given = msgspec.msgpack.encode(answer)
            key_packages.keep_claim_answer(tx, digest, nonce, given, now_s, until)
            return answer

        return await self._store.write(unit)


def _again(given: bytes, item: bytes) -> ClaimAnswer:
    """Answer a claim as it was answered before.

    Raises:
        ProblemError: `badRequest`: another claim has its nonce.
    """
    if not given:
        raise refuse("badRequest", "this claim was used already; make a new one", rule="claimReplay")
    return msgspec.structs.replace(msgspec.msgpack.decode(given, type=ClaimAnswer), id=item)


def _take(tx: Tx, account_id: int, now_s: int) -> list[bytes]:
    """Hand out a package of each device; the last resort of a device that has no other left."""
    last = devices.devices_with_last_resort(tx, account_id)
    packages = key_packages.take_key_packages(tx, account_id, now_s)
    for device_id in last:
        packages += devices.use_last_resort(tx, account_id, device_id, now_s)
    return packages


def _allow(tx: Tx, target: AccountRow, claimer: VerifiedRecord, now_s: int) -> bool:
    """Check that somebody may claim; tell whether only because of a shared room.

    Raises:
        ProblemError: `notAllowed`.
    """
    if claimer.did == target.did or _follows(tx, target, claimer):
        return False
    if consents.lets(tx, target.name, claimer.did, now_s):
        return False
    if not rooms.share_a_room(tx, claimer.did, target.did):
        raise _not_allowed()
    return True


def _follows(tx: Tx, target: AccountRow, claimer: VerifiedRecord) -> bool:
    """Whether the target follows the claimer: by did; by actor only while that actor's did is not known."""
    if people.follows_did(tx, target.name, claimer.did, ACCEPTED):
        return True
    tie = people.tie_with(tx, target.name, claimer.record.actor, people.FOLLOWING)
    return tie is not None and tie.state == ACCEPTED and not tie.did


def _too_many() -> ProblemError:
    return refuse("tooMany", "too many claims; try again later", retry_after=float(_HOUR_S))


def _not_allowed() -> ProblemError:
    """One answer for "not allowed" and for "no such person"."""
    return refuse("notAllowed", "nobody there who lets you add them: ask them to follow you first")
