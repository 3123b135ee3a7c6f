"""An account is deleted: everybody elsewhere who has a tie to it is told, with a Delete that it signs.

The operator's command does this in the unit that deletes the account; a running node then delivers it.
"""

from yurt.activitypub.delivery import Recipient, plan
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.posts import Delete
from yurt.activitypub.references import Json, write
from yurt.activitypub.vocabulary import AS_CONTEXT, PUBLIC
from yurt.node.people.arrivals import Arrivals
from yurt.node.store import account_care, accounts, deliveries, farewells, people
from yurt.node.store.deliveries import NewDelivery
from yurt.node.store.types import Tx


def delete_account(tx: Tx, domain: str, name: str, now_ms: int) -> bool:
    """Delete an account and queue its farewell; False if there is no such account."""
    key, told = accounts.actor_key_of(tx, name), people.tied_inboxes(tx, name)
    actor = PersonLocations(domain, name).actor
    if not account_care.delete(tx, name, now_ms // 1000):
        return False
    # For neighbours as for everybody elsewhere: what was posted goes, and whoever it was is gone.
    Arrivals(tx, domain, now_ms).take(Delete(f"{actor}#delete", actor, actor))
    stops = plan(Recipient(*row) for row in told)
    if key is None or not stops:
        return True
    farewells.keep_farewell(tx, name, key, now_ms // 1000)
    document: Json = {
        "@context": AS_CONTEXT,
        "id": f"{actor}#delete",
        "type": "Delete",
        "actor": actor,
        "object": actor,
        "to": [PUBLIC],
    }
    deliveries.add_deliveries(tx, NewDelivery(name, write(document)), stops, now_ms)
    return True
