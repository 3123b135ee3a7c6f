"""People: who an address means, since when, and who follows whom.

The node resolves, the client believes nothing of it: the record is signed by the did, the statement binds
the did to the actor, and the pin of first contact stands. A known address with another did is refused until
a person decides (TRUST 1).
"""

from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs
from sqlcipher3.dbapi2 import Connection

from yurt.client.api import PersonView
from yurt.client.core import Core
from yurt.client.links import parse_address
from yurt.client.vault import accounts, addresses, people, rooms, timeline
from yurt.client.vault.people import Pin
from yurt.client.vault.timeline import NewItem
from yurt.identity.errors import RecordError, RemoteIdentityError
from yurt.identity.safety_number import safety_number
from yurt.identity.signed_record import Frozen, SignedRecord, VerifiedRecord, verify_next, verify_record
from yurt.identity.statement import verify_statement
from yurt.wire.command import Done
from yurt.wire.people_commands import Follow, Followers, Following, Person, Resolve, Tie, Ties, Unfollow
from yurt.wire.problems import ProblemError, refuse

PAGES: Final = 100
"""Most pages of ties that are read; 20,000 ties."""


@dataclass(frozen=True, slots=True)
class Met:
    """A person whose record was verified just now."""

    pin: Pin
    record: VerifiedRecord


class People:
    """What this client knows of others."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def meet(self, address: str) -> Met:
        """Resolve and verify somebody, and pin them at first contact.

        Raises:
            ProblemError: Nobody there; without a did; not who they were; or a proof that fails.
        """
        person = await self._core.session.call(Resolve(parse_address(address)), Person)
        if not person.did:
            raise refuse("refused", f"{person.address} has no Yurt identity: rooms need one", rule="noDid")
        return await self._pin(person, address)

    async def learn(self, pin: Pin, signed: bytes) -> Met:
        """Take in a newer record of somebody who is pinned.

        Raises:
            ProblemError: It is not theirs, or does not follow the known one.
        """
        record = newer_record(pin, signed)
        kept = replace(pin, actor=record.record.actor, record=record.signed.encode())
        await self._core.write(lambda tx: people.save(tx, kept))
        return Met(kept, record)

    async def known(self, address: str) -> PersonView:
        """Tell who a participant of a room is, from the vault alone.

        Raises:
            ProblemError: ``notFound``: nobody here has this address.
        """
        return await self._core.vault.read(lambda tx: self._known(tx, address))

    async def verify(self, address: str, number: str) -> PersonView:
        """Note that a safety number was compared, or with an empty one that it does not count any more.

        Raises:
            ProblemError: ``notFound``; ``refused`` with the rule ``safetyNumber``: it is another one.
        """
        digits = "".join(number.split())

        def unit(tx: Connection) -> PersonView:
            person = self._known(tx, address)
            if not person.safety_number:
                raise refuse("badRequest", "that is you: there is nobody to compare with")
            if digits and digits != "".join(person.safety_number.split()):
                raise refuse(
                    "refused",
                    f"this is not the number that you and {address} have: somebody may be between you",
                    rule="safetyNumber",
                )
            people.set_verified(tx, person.did, self._core.clock.now_ms() if digits else 0)
            return self._known(tx, address)

        return await self._core.write(unit)

    async def trust(self, address: str) -> PersonView:
        """Take the new person behind an address whose did changed; nothing of the old one passes to them.

        Raises:
            ProblemError: ``notFound``; or the node does not prove who the new one is.
        """
        known = await self.known(address)
        if not known.changed:
            return known
        person = await self._core.session.call(Resolve(parse_address(address)), Person)

        def unit(tx: Connection) -> PersonView:
            pin = people.by_did(tx, known.did)
            if pin is None or person.did != pin.changed:
                # Never take somebody whom the person has not been told of.
                raise refuse("refused", f"{address} changed again: look at it once more", rule="didChanged")
            record = _verify(person, None, address)
            people.save(tx, Pin(person.did, address, person.actor, record.signed.encode()))
            for room in rooms.every(tx):
                if {person.did, pin.did}.intersection(did for did, _ in room.people):
                    text = f"you decided that {address} is somebody new"
                    timeline.add(tx, NewItem(room=room.room, kind="notice", text=text, did=person.did))
            return self._known(tx, address)

        return await self._core.write(unit)

    async def keep(self, address: str) -> PersonView:
        """Decide that whoever else claims a pinned address is not the one behind it; the pin stays.

        Raises:
            ProblemError: ``notFound``.
        """

        def unit(tx: Connection) -> PersonView:
            known = self._known(tx, address)
            if known.changed:
                addresses.refuse_as(tx, known.changed, address)
                people.mark_changed(tx, known.did, "")
                for room in rooms.every(tx):
                    if {known.did, known.changed}.intersection(did for did, _ in room.people):
                        text = f"you decided that {address} is who it was; whoever else says so is not"
                        timeline.add(tx, NewItem(room=room.room, kind="notice", text=text, did=known.did))
            return self._known(tx, address)

        return await self._core.write(unit)

    def _known(self, tx: Connection, address: str) -> PersonView:
        pin = people.by_address(tx, address)
        if pin is not None:
            return self.view(pin, "")
        everybody = (person for room in rooms.every(tx) for person in room.people)
        found = next((pair for pair in everybody if accounts.address_of(pair[1]) == address), None)
        if found is None:
            raise refuse("notFound", f"nobody in your rooms has the address {address}")
        did, actor = found
        shown = addresses.shown(tx, did, actor)
        return self.view(Pin(did, shown, actor, b"", "", people.is_verified(tx, did)), "")

    async def follow(self, address: str) -> PersonView:
        """Follow somebody; their answer comes later."""
        person = await self._core.session.call(Follow(parse_address(address)), Person)
        if not person.did:
            return PersonView(
                address=person.address, actor=person.actor, did="", state="pending", locked=person.locked
            )
        met = await self._pin(person, address)
        return structs.replace(self.view(met.pin, "pending"), locked=person.locked)

    async def unfollow(self, address: str) -> None:
        """Stop following somebody."""
        await self._core.session.call(Unfollow(parse_address(address)), Done)

    async def followers(self) -> list[PersonView]:
        """List who follows this person."""
        return [_tie(tie) for tie in await self._ties(Followers)]

    async def following(self) -> list[PersonView]:
        """List whom this person follows."""
        return [_tie(tie) for tie in await self._ties(Following)]

    def view(self, pin: Pin, state: str) -> PersonView:
        """Show somebody."""
        own = self._core.account.did
        return PersonView(
            address=pin.address,
            actor=pin.actor,
            did=pin.did,
            state=state,
            safety_number="" if pin.did == own else safety_number(own, pin.did),
            verified=pin.verified,
            changed=pin.changed,
        )

    async def _ties(self, command: type[Followers] | type[Following]) -> list[Tie]:
        found: list[Tie] = []
        after = ""
        for _ in range(PAGES):
            page = await self._core.session.call(command(after=after), Ties)
            found += page.ties
            after = page.next
            if not after:
                break
        return found

    async def _pin(self, person: Person, asked: str) -> Met:
        def unit(tx: Connection) -> Met | ProblemError:
            known = people.by_address(tx, person.address)
            if known is not None and known.did != person.did:
                if not addresses.is_refused_as(tx, person.did, person.address):
                    people.mark_changed(tx, known.did, person.did)
                return _changed(person.address)
            known = known or people.by_did(tx, person.did)
            if known is not None and known.changed:
                return _changed(known.address)
            record = _verify(person, known, asked)
            verified = people.is_verified(tx, person.did)
            pin = Pin(person.did, person.address, person.actor, record.signed.encode(), "", verified)
            people.save(tx, pin)
            return Met(pin, record)

        met = await self._core.write(unit)  # the mark of a changed did stays, so nothing is raised in there
        if isinstance(met, ProblemError):
            raise met
        return met


def newer_record(pin: Pin, signed: bytes) -> VerifiedRecord:
    """Verify a record against the pinned one; an older one changes nothing.

    Raises:
        ProblemError: ``refused`` with the rule that it breaks.
    """
    try:
        known = verify_record(SignedRecord.decode(pin.record))
        return _follow_record(known, SignedRecord.decode(signed))
    except RemoteIdentityError as error:
        raise refuse("refused", f"{pin.address}: {error}", rule=error.rule) from None


def check_person(person: Person, asked: str) -> VerifiedRecord:
    """Check everything that the node says of somebody who was asked for by address.

    Raises:
        ProblemError: ``refused`` with the rule that it breaks.
    """
    return _verify(person, None, asked)


def _verify(person: Person, known: Pin | None, asked: str) -> VerifiedRecord:
    """Check everything that the node says of a person.

    Raises:
        ProblemError: ``refused`` with the rule that it breaks.
    """
    if known is not None:
        record = newer_record(known, person.record)
    else:
        try:
            record = verify_record(SignedRecord.decode(person.record))
        except RemoteIdentityError as error:
            raise refuse("refused", f"{person.address}: {error}", rule=error.rule) from None
    try:
        bound = verify_statement(person.statement, person.actor)
    except RemoteIdentityError as error:
        raise refuse("refused", f"{person.address}: {error}", rule=error.rule) from None
    names = {person.address.lower(), parse_address(asked).lower(), accounts.address_of(person.actor).lower()}
    if len(names) > 1:
        # The node was asked for one address: another one's owner, however well proved, is no answer.
        raise refuse("refused", f"{asked}: the node answers with {person.address}", rule="otherAddress")
    if not bound == record.did == person.did or record.record.actor != person.actor:
        raise refuse("refused", f"{person.address}: address and identity do not fit", rule="recordActor")
    return record


def _follow_record(known: VerifiedRecord, signed: SignedRecord) -> VerifiedRecord:
    try:
        outcome = verify_next(known, signed)
    except RecordError as error:
        if error.rule == "recordOld":
            return known
        if error.rule != "recordGap":
            raise
        # The stream has no command for the records between; the identity key signed this one all the same.
        return verify_record(signed)
    if isinstance(outcome, Frozen):
        raise RecordError("recordFrozen", "two records with one number: somebody else has their phrase")
    return outcome


def _changed(address: str) -> ProblemError:
    return refuse(
        "refused",
        f"{address} is not the person it was: ask them on another way, then `yurt trust {address}`",
        rule="didChanged",
    )


def _tie(tie: Tie) -> PersonView:
    return PersonView(
        address=tie.address,
        actor=tie.actor,
        did=tie.did,
        state=tie.state,
        locked=tie.locked,
        gone=tie.gone,
    )
