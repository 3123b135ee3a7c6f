"""A kit foretells what the living node would have foretold: it remembers everything that a verdict needs."""

from itertools import product

import msgspec
import pytest

from yurt.client.moving.forecast import KitStanding, facts_of, foresee
from yurt.client.portability.node_rows import to_ties
from yurt.identity.device import DeviceKeys
from yurt.identity.identity_key import IdentityKey
from yurt.identity.signed_record import first_record, verify_first
from yurt.portability.check import Outcome, Situation, remembered
from yurt.portability.roster import sign_roster, verify_roster
from yurt.wire.move_commands import MoveTie
from yurt.wire.portability_commands import PortableRow

NOW = 1_795_000_000
SOFTWARES = (
    ("mastodon", "4.5.1"),
    ("gotosocial", "0.20.0"),
    ("snac", "2.94"),
    ("pixelfed", "0.12"),
    ("", ""),
)
ME = IdentityKey(bytes(range(32)))
DID = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"


def told() -> list[MoveTie]:
    """One tie for each mixture of software, person, silence, manners and end."""
    mixtures = product(SOFTWARES, ("", DID), (0, 5, 40 * 86_400), (False, True), (False, True))
    return [
        MoveTie(
            actor=f"https://n{number:03}.example/users/a",
            address=f"a@n{number:03}.example",
            did=did,
            inbox=f"https://n{number:03}.example/inbox",
            follower=True,
            following=True,
            locked=locked,
            since=NOW - 9,
            software=software,
            version=version,
            unreachable_s=silent_s,
            gone=gone,
        )
        for number, ((software, version), did, silent_s, locked, gone) in enumerate(mixtures)
    ]


def portable(tie: MoveTie) -> PortableRow:
    """The same tie, as it goes into a kit."""
    return PortableRow(
        tie.address,
        actor=tie.actor,
        inbox=tie.inbox,
        did=tie.did,
        state="accepted",
        mutual=True,
        since=tie.since,
        software=tie.software,
        version=tie.version,
        locked=tie.locked,
        gone=tie.gone,
        silent_s=tie.unreachable_s,
    )


@pytest.mark.parametrize("alive", [True, False])
def test_the_kit_foretells_as_the_node_would(*, alive: bool) -> None:
    """Sealed, opened and judged, each tie has the verdict that the node's own facts give it."""
    device = DeviceKeys.generate()
    record = verify_first(
        first_record(ME, "https://a.example/users/me", device.public, not_after=NOW + 9, time=NOW)
    )
    rows = [portable(tie) for tie in told()]
    roster = verify_roster(sign_roster(to_ties(rows, rows, NOW), device, record, time=NOW), record)
    situation, kit = Situation(source_alive=alive, kit=True), KitStanding(0)

    by_node = foresee([facts_of(tie) for tie in told()], {}, situation, kit)
    by_kit = foresee([remembered(tie, roster.time) for tie in roster.ties], {}, situation, kit)

    assert by_kit.ties == by_node.ties
    assert by_kit.followers == by_node.followers
    assert by_kit.following == by_node.following


def test_who_follows_a_move_comes_to_a_rescue_too() -> None:
    """For software that believes the old key, a dead node changes the reason and nothing else."""
    facts = [facts_of(tie) for tie in told() if tie.software in ("mastodon", "gotosocial", "snac")]

    planned = foresee(facts, {}, Situation(), KitStanding(0))
    rescued = foresee(facts, {}, Situation(source_alive=False, kit=True), KitStanding(0))

    assert rescued.followers == planned.followers
    assert planned.followers.outcomes[Outcome.AUTOMATIC.value] > 0


def test_a_row_with_nothing_special_is_as_small_as_before() -> None:
    """What is not known costs no byte on the stream."""
    assert msgspec.json.encode(PortableRow("a@b.example")) == b'{"address":"a@b.example"}'
