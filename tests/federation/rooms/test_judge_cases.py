"""One corpus of commits, as data, judged by the hub and by members: both say the same, of real messages."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from yurt.identity.leaf import LeafUse
from yurt.identity.signed_record import VerifiedRecord, next_record, verify_chain
from yurt.mls.change import CommitChange
from yurt.mls.external_join import ExternalJoin
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package_bundle import OwnLeaf
from yurt.mls.policy import judged_by_caller
from yurt.mls.proposals import SelfRemove
from yurt.mls.receiving import ReceivedCommit, ReceivedProposal
from yurt.rooms.common.commit_data import CommitData
from yurt.rooms.common.errors import Refused
from yurt.rooms.common.invite_link import InviteLink
from yurt.rooms.common.judge import judge
from yurt.rooms.common.judged import Judged
from yurt.rooms.common.leaving import judge_proposal
from yurt.rooms.common.policy import Floor, Invite, Role, RoomPolicy
from yurt.rooms.common.policy_changes import (
    after_joins,
    with_ban,
    with_link,
    with_role,
    without,
    without_ban,
    without_link,
)
from yurt.rooms.common.room import room_extensions
from yurt.rooms.common.room_change import RoomChange
from yurt.rooms.hub.commits import judge_commit
from yurt.rooms.hub.follow import Followed, follow_row
from yurt.rooms.hub.order import Submission, accept
from yurt.rooms.hub.snapshot import decode_snapshot, encode_snapshot, prove_snapshot
from yurt.rooms.rehearsal import Device, Town
from yurt.rooms.testing import ANA, BO, CY, DAY, DEE, EVE, HUB, NOW, Person, policy_of
from yurt.wire.registry import EntryKind

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "judge_cases.json").read_text())
FAY, GUS, HAL = (Person(name, n) for n, name in enumerate(("fay", "gus", "hal"), 6))
PEOPLE = {"ana": ANA, "bo": BO, "cy": CY, "dee": DEE, "eve": EVE, "fay": FAY, "gus": GUS, "hal": HAL}
NAMES = {str(person.did): name for name, person in PEOPLE.items()}
LINK = InviteLink(HUB, "tea-at-five", bytes(range(16)))
OTHER = InviteLink(HUB, "tea-at-six", bytes(16))
_MOVED = "https://hilltop.example/users/dee"
_SEQ = {"dee/1": 2, "dee/2": 2, "dee/3": 3}
"""Which record listed a device, where it was not the first."""


def device(name: str) -> Device:
    """Find a device by its name: ``dee``, ``dee/1``."""
    person, _, nth = name.partition("/")
    return Device(PEOPLE[person], int(nth or 0), _SEQ.get(name, 1))


def name_of(did: str, device_id: bytes) -> str:
    """Name a device."""
    nth = next(n for n, keys in enumerate(PEOPLE[NAMES[did]].devices) if keys.device_id == device_id)
    return NAMES[did] + (f"/{nth}" if nth else "")


def revoking() -> bytes:
    """Give the record with which dee revokes dee/1."""
    add = [(DEE.devices[1].public, NOW + DAY), (DEE.devices[2].public, NOW + DAY)]
    linked = verify_chain([next_record(DEE.record, DEE.identity, time=NOW, add=add)], DEE.record)
    assert isinstance(linked, VerifiedRecord)
    revoke = [DEE.devices[1].device_id]
    third = [(DEE.devices[3].public, NOW + DAY)]
    return next_record(linked, DEE.identity, time=NOW, revoke=revoke, add=third).encode()


@pytest.fixture(scope="module")
def town() -> Town:
    """Ana (owner), bo (admin), cy (moderator), dee with two devices; fay is banned, bo made a link."""
    policy = policy_of(ana=Role.OWNER, bo=Role.ADMIN, cy=Role.MODERATOR)
    invite = Invite(LINK.keys.public, BO.did, 2, NOW + DAY, 0)
    policy = with_link(with_ban(policy, FAY.did), invite)
    return Town.found(policy, *(device(name) for name in ("ana", "bo", "cy", "dee", "dee/1")))


# --- doing what a case says ---
@dataclass(frozen=True)
class Done:
    """A commit that was made, and what its author makes of it."""

    author: Device
    entry: bytes
    group_info: bytes
    welcome: bytes
    change: CommitChange


def path_leaf(who: Device, kind: str) -> OwnLeaf:
    """Make the leaf that a path brings."""
    match kind:
        case "":
            return who.leaf()
        case "joining":
            return who.leaf(LeafUse.JOINING)
        case "elsewhere":
            return who.leaf(room=bytes(32))
        case "moved":
            return who.leaf(actor=_MOVED)
        case "expired":
            return who.leaf(not_after=NOW - 1)
        case other:
            return device(other).leaf()


def policy_after(case: dict[str, Any], policy: RoomPolicy) -> RoomPolicy:
    """Write the policy that a case wants."""
    policy = without(policy, [PEOPLE[name].did for name in case.get("drop", ())])
    policy = replace(policy, **case.get("policy", {}))
    for name, role in case.get("roles", {}).items():
        policy = with_role(policy, PEOPLE[name].did, Role[role.upper()])
    for name in case.get("ban", ()):
        policy = with_ban(policy, PEOPLE[name].did)
    for name in case.get("unban", ()):
        policy = without_ban(policy, PEOPLE[name].did)
    return links_after(case, policy)


def links_after(case: dict[str, Any], policy: RoomPolicy) -> RoomPolicy:
    """Write the links and floors that a case wants."""
    policy = after_joins(policy, {LINK.keys.public: case.get("used", 0)})
    if "make_link" in case:
        made = case["make_link"]
        not_after = NOW + made["days"] * DAY
        policy = with_link(
            policy, Invite(OTHER.keys.public, PEOPLE[made["by"]].did, made["uses"], not_after, 0)
        )
    if "end_link" in case:
        policy = without_link(policy, LINK.keys.public)
    if "floor" in case:
        policy = replace(policy, floors=(Floor(DEE.did, case["floor"]),))
    return policy


def do(case: dict[str, Any], town: Town) -> Done:
    """Make the commit that a case describes."""
    records = tuple(revoking() for _ in case.get("records", ()))
    made_at = town.now_ms + case.get("skew_ms", 0)
    if "resync" in case:
        return come_back(case, town, CommitData(made_at, records))
    use = LeafUse.ROOM if case.get("package") == "room" else LeafUse.JOINING
    not_after = NOW - 1 if case.get("package") == "expired" else NOW + 80 * DAY
    bundles = {name: device(name).key_package(use, not_after=not_after) for name in case.get("add", ())}
    link = OTHER if case.get("link") == "other" else LINK
    room = bytes(32) if case.get("link") == "elsewhere" else town.hub.room_id
    proofs = tuple(
        device(name).proof(link, bundles.get(name) or device(name).key_package(), room=room)
        for name in case.get("prove", ())
    )
    before = town.hub.standing.policy
    after = policy_after(case, before)
    data = CommitData(made_at, records, proofs).encode()
    author = device(case["by"])
    group = town.group(author)
    staged = group.stage_commit(
        adds=[bundle.key_package for bundle in bundles.values()],
        removes=[town.index(device(name)) for name in case.get("remove", ())],
        extensions=None if after == before else room_extensions(after),
        references=[pending.reference for pending in group.proposals],
        leaf=path_leaf(author, case.get("path", "")),
        authenticated_data=bytes.fromhex(case["data"]) if "data" in case else data,
        policy=judged_by_caller,
    )
    return Done(author, staged.commit, staged.group_info, staged.welcome or b"", staged.change)


def come_back(case: dict[str, Any], town: Town, data: CommitData) -> Done:
    """Make a commit from outside."""
    author = device(case["resync"])
    joining = ExternalJoin.stage(
        MemoryGroupStore(),
        town.group(device("ana")).group_info(with_tree=True),
        path_leaf(author, case.get("path", "")),
        replaces=town.index(device(case["replaces"])) if "replaces" in case else None,
        authenticated_data=data.encode(),
        policy=judged_by_caller,
    )
    staged = joining.staged
    return Done(author, staged.commit, staged.group_info, b"", staged.change)


def leave(town: Town, names: list[str]) -> None:
    """Let people say that they leave: hub and members hear it, and judge it alike."""
    for name in names:
        entry = town.group(device(name)).propose(SelfRemove())
        town.hub, _ = accept(town.hub, Submission(PEOPLE[name].did, EntryKind.PROPOSAL, entry), town.now_ms)
        for member in set(town.stores) - {device(name)}:
            group = town.group(member)
            heard = group.process(entry, at=town.now_ms)
            assert isinstance(heard, ReceivedProposal)
            assert judge_proposal(heard.pending, group.tree).did == PEOPLE[name].did


# --- what became of it ---
Verdict = RoomChange | str


def verdict(change: CommitChange, at: Judged) -> Verdict:
    """Judge as a member does."""
    try:
        return judge(change, at)
    except Refused as refused:
        return refused.code


def hub_verdict(town: Town, entry: bytes, at: Judged) -> Verdict:
    """Judge as the hub does."""
    try:
        return judge_commit(town.hub.public, entry, at).change
    except Refused as refused:
        return refused.code


def told(change: RoomChange) -> dict[str, Any]:
    """Say a change in the words of the corpus."""
    people = {
        part: [NAMES[did] for did in getattr(change, part)]
        for part in ("joined", "left", "removed", "banned", "unbanned", "by_link")
    }
    devices = {
        part: [name_of(each.did, each.device_id) for each in getattr(change, part)]
        for part in ("devices_added", "devices_removed")
    }
    back = change.resynced
    return {
        **people,
        **devices,
        "roles": {NAMES[each.did]: each.after.name.lower() for each in change.roles},
        "links_made": len(change.links_made),
        "links_ended": len(change.links_ended),
        "settings": change.settings,
        "owner": change.owner and NAMES[change.owner],
        "resynced": back and name_of(back.did, back.device_id),
    }


@pytest.mark.parametrize("case", CASES, ids=[case["name"].replace(" ", "_") for case in CASES])
def test_hub_and_members_judge_alike(case: dict[str, Any], town: Town) -> None:
    """The hub, a bystander and the author come to one verdict, and it is the one that the corpus says."""
    here = town.copy()
    leave(here, case.get("leave", []))
    done = do(case, here)
    gone = {device(name) for name in (*case.get("leave", ()), *case.get("remove", ()))} | {done.author}
    bystander = here.group(next(one for one in here.stores if one not in gone))
    row_at = Judged(1, here.hub.head.seq + 1, here.now_ms)

    received = bystander.process(done.entry, at=here.now_ms, policy=judged_by_caller)
    assert isinstance(received, ReceivedCommit)
    verdicts = [
        hub_verdict(here, done.entry, row_at),
        verdict(received.change, row_at),
        verdict(done.change, row_at),
    ]

    assert verdicts[1:] == verdicts[:-1]
    change = verdicts[0]
    if "refused" in case:
        assert change == case["refused"]
        return
    assert isinstance(change, RoomChange)
    assert told(change) | case["change"] == told(change)
    taken(here, done, change)
    bystander.merge_received(received)
    assert bystander.tree.tree_hash() == here.hub.public.tree.tree_hash()


def taken(town: Town, done: Done, change: RoomChange) -> None:
    """Offer the commit to the hub with all that comes with it; a member node follows to the same state."""
    before = town.hub
    submission = Submission(
        done.author.person.did, EntryKind.COMMIT, done.entry, done.group_info, done.welcome
    )
    town.hub, accepted = accept(before, submission, town.now_ms)
    followed = follow_row(decode_snapshot(encode_snapshot(before)), accepted.row, town.now_ms)

    assert accepted.change == change
    assert isinstance(followed, Followed)
    assert followed.state == town.hub
    assert (followed.change, followed.effects) == (change, accepted.effects)
    copy = decode_snapshot(encode_snapshot(town.hub))
    assert copy == town.hub
    prove_snapshot(copy, accepted.row.body, accepted.group_info)


def test_corpus_is_about_every_rule_of_people() -> None:
    """Each rule that a member can break by an ordinary commit stands in the corpus."""
    codes = {case["refused"] for case in CASES if "refused" in case}

    assert len({case["name"] for case in CASES}) == len(CASES)
    assert codes >= {
        *("inviteRight", "removeRight", "roleRight", "roleOfNobody", "banRight", "banned", "policyRight"),
        *("joinProof", "inviteUnknown", "inviteUsedUp", "inviteUses", "linkRight", "badInvite"),
        *("resyncStranger", "resyncRemove", "belowFloor", "floorWithoutRecord", "clockSkew"),
    }
