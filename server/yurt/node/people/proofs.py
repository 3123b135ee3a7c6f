"""Whose word an activity is that somebody else passes on: its integrity proof says so (FEP-8b32).

Servers pass on what followers of a thread should see, a reply for instance, signed by themselves. Believed is
then only the proof, made with an Ed25519 key that stands in the author's own actor document now; Linked Data
signatures are not. A proof holds for ever, and anybody may deliver it again: so it carries only what may come
late and often without harm, posts, their changes and their ends.
"""

from yurt.activitypub.integrity_proof import check_author, parse_proof, verify_proof
from yurt.activitypub.references import Json, id_of, types_of
from yurt.node.clock import Clock
from yurt.node.people.directory import Directory
from yurt.node.people.proving import PASSED_ON


class Proofs:
    """Looks for the author of an activity."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock

    async def author(self, document: Json, signer: str) -> str:
        """Tell whose word an activity is: of who signed the request, unless it proves that it is another's.

        Args:
            document: The activity.
            signer: The actor that owns the key of the request's signature.

        Raises:
            RemoteActivityPubError, GateError, FetchError: It has a proof that does not hold.
            ProblemError: `tooMany` keys were fetched from the author's host.
        """
        actor, types = id_of(document.get("actor")), types_of(document)
        may_be_passed_on = bool(types) and PASSED_ON.issuperset(types)
        if actor == signer or not may_be_passed_on or id_of(document.get("object")) == actor:
            return signer
        proof = parse_proof(document)
        if proof is None:
            return signer
        key = await self._directory.proof_key(proof.key_id)
        check_author(verify_proof(proof, key.key, self._clock.now_s()), key.actor)
        return key.actor
