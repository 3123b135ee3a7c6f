"""A new continuity kit, while the phrase is at hand: at sign-up, or once in a vault older than kits."""

from yurt.client.vault.accounts import Account
from yurt.client.vault.kits import KitRow
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import VerifiedRecord
from yurt.portability.actor_key import fingerprint_of_private
from yurt.portability.kit import seal_keys
from yurt.portability.kit_contents import ActorKey, KeysContents
from yurt.portability.kit_keys import kit_secrets


def new_kit(phrase: RecoveryPhrase, account: Account, record: VerifiedRecord, now_s: int) -> KitRow:
    """Make a kit while the phrase is at hand: public keys, and the actor key sealed, if it is still here."""
    secrets = kit_secrets(phrase)
    if not account.actor_key:
        return KitRow(secrets.public.encode())
    key = ActorKey(account.actor, f"{account.actor}#main-key", account.actor_key, now_s)
    part = seal_keys(
        KeysContents(record.did, (key,)),
        secrets.public,
        account.device,
        record,
        phrase.identity_key(),
        counter=now_s,
        time=now_s,
    )
    named = fingerprint_of_private(account.actor_key)
    return KitRow(secrets.public.encode(), keys=part, counter=now_s, named=named)
