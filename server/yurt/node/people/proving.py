"""Integrity proofs on public posts of this node (FEP-8b32): whoever gets one may pass it on.

What is for followers carries none: it is not to be passed on, and nobody is to prove it to others.
"""

import secrets
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from yurt.activitypub.integrity_proof import add_proof
from yurt.activitypub.locations import PersonLocations
from yurt.activitypub.references import Json, ids_of, types_of, values_of
from yurt.activitypub.vocabulary import DATA_INTEGRITY_CONTEXT, PUBLIC
from yurt.node.store import accounts
from yurt.node.store.proof_keys import keep_proof_seed, proof_seed
from yurt.node.store.types import ReadTx, Tx

PASSED_ON: Final = frozenset({"Create", "Update", "Delete"})
"""What others may pass on: posts, their changes and their ends."""
_SEED_SIZE: Final = 32


def prove(tx: Tx, domain: str, name: str, document: Json, now_s: int) -> Json:
    """Give an account's activity with its proof, if it is public and may be passed on; else as it is."""
    to = {*ids_of(document.get("to")), *ids_of(document.get("cc"))}
    account = accounts.account_named(tx, name)
    if account is None or PUBLIC not in to or not PASSED_ON.issuperset(types_of(document)):
        return document
    seed = proof_seed(tx, account.id)
    if not seed:
        seed = secrets.token_bytes(_SEED_SIZE)
        keep_proof_seed(tx, account.id, seed)
    contexts = [*values_of(document.get("@context")), DATA_INTEGRITY_CONTEXT]
    return add_proof(
        {**document, "@context": list(dict.fromkeys(map(str, contexts)))},
        key_id=PersonLocations(domain, name).proof_key_id,
        key=Ed25519PrivateKey.from_private_bytes(seed),
        created=now_s,
    )


def proof_key(tx: ReadTx, account_id: int) -> Ed25519PublicKey | None:
    """The public key of an account's proofs, for its actor document; None before the first one."""
    seed = proof_seed(tx, account_id)
    return Ed25519PrivateKey.from_private_bytes(seed).public_key() if seed else None
