"""What an account's actor document tells, and telling followers elsewhere when it changes.

One place puts the document together, so that what is served at the actor's URL and what an Update carries
are never two things.
"""

import uuid
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from yurt.activitypub.actor_documents import PersonProfile, person_document
from yurt.activitypub.delivery import Recipient, plan
from yurt.activitypub.errors import KeyRefused
from yurt.activitypub.follow import FollowState
from yurt.activitypub.http_signatures.keys import read_pem
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.posts import update_actor_document
from yurt.activitypub.references import write
from yurt.identity.did import public_of
from yurt.node.people.proving import proof_key
from yurt.node.store import deliveries, moves, people
from yurt.node.store.accounts import AccountRow
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.public_key_packages import public_packages
from yurt.node.store.types import ReadTx, Tx


def profile_of(tx: ReadTx, domain: str, account: AccountRow, now_s: int = 0) -> PersonProfile:
    """What an account's actor document tells at a time (seconds since 1970)."""
    return PersonProfile(
        locations=PersonLocations(domain, account.name),
        rsa=_rsa(account),
        identity=Ed25519PublicKey.from_public_bytes(public_of(account.did)),
        proof_key=proof_key(tx, account.id),
        statement=account.statement,
        published=account.created_at,
        locked=people.is_locked(tx, account.name),
        also_known_as=moves.aliases(tx, account.name),
        moved_to=moves.moved_to(tx, account.name),
        has_key_packages=bool(public_packages(tx, account.name, now_s)),
    )


def tell_change(tx: Tx, domain: str, account: AccountRow, now_ms: int) -> None:
    """Queue an Update of the actor for every follower elsewhere; the caller wakes the delivery."""
    _tell(tx, domain, account, now_ms, people.remote_inboxes(tx, account.name, FollowState.ACCEPTED.value))


def tell_key(tx: Tx, domain: str, account: AccountRow, now_ms: int) -> None:
    """Queue an Update for everybody elsewhere with a tie: whom one follows must know one's key as well."""
    _tell(tx, domain, account, now_ms, people.tied_inboxes(tx, account.name))


def _tell(
    tx: Tx, domain: str, account: AccountRow, now_ms: int, whom: Sequence[tuple[str, str, str]]
) -> None:
    places = PersonLocations(domain, account.name)
    if not whom:
        return
    document = update_actor_document(
        places.activity("updates", str(uuid.uuid4())),
        person_document(profile_of(tx, domain, account, now_ms // 1000)),
        places.followers,
    )
    stops = plan([Recipient(*row) for row in whom])
    deliveries.add_deliveries(tx, NewDelivery(account.name, write(document)), stops, now_ms)


def _rsa(account: AccountRow) -> RSAPublicKey:
    key = read_pem(account.actor_key_pem)
    if not isinstance(key, RSAPublicKey):
        raise KeyRefused("keyKind", "an actor key is RSA")
    return key
