"""Follower synchronisation: two nodes that disagree about a follow agree again; the vector of FEP-8fcf."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yurt.activitypub.errors import LocalActivityPubError
from yurt.activitypub.follower_sync import (
    MAX_FOLLOWERS,
    Repair,
    SyncHeader,
    TiesHere,
    at_host,
    differs,
    digest_of,
    header_for,
    read_header,
    reconcile,
)

FEP_FOLLOWERS = [
    "https://example.org/users/2",
    "https://testing.example.org/users/1",
    "https://next.example.org/users/foo",
    "https://testing.example.org/users/2",
]
FEP_DIGEST = "c33f48cd341ef046a206b8a72ec97af65079f9a3a9b90eef79c5920dce45c61f"
ANA = "https://harbour.example/users/ana"
FOLLOWERS, SYNC = f"{ANA}/followers", f"{ANA}/followers_synchronization"
HILLTOP = "hilltop.example"
BO, CY, DI = (f"https://{HILLTOP}/users/{name}" for name in ("bo", "cy", "di"))


def here(*, accepted: str = "", pending: str = "") -> TiesHere:
    """Bo, Cy and Di live here; the letters say who follows Ana."""
    names = {"b": BO, "c": CY, "d": DI}
    chosen = [frozenset(names[letter] for letter in letters) for letters in (accepted, pending)]
    return TiesHere(frozenset(names.values()), *chosen)


def test_the_feps_vector() -> None:
    """The followers at one host, each id hashed, joined by XOR."""
    part = at_host(FEP_FOLLOWERS, "testing.example.org")

    assert part == ["https://testing.example.org/users/1", "https://testing.example.org/users/2"]
    assert digest_of(part[:1]) == "3a06e99569547f444c352ab7f52e4bab207abec5ca6f07b0045cfdc9723f8fa9"
    assert digest_of(part[1:]) == "f939a1585d4a8f02ee339210dbe7315d7003476663d6095f7d996fc4bc7a49b6"
    assert digest_of(part) == FEP_DIGEST


def test_the_feps_header() -> None:
    """Written and read: what the sender computed is what the receiver compares."""
    collection = "https://example.org/users/1/followers"
    value = header_for(collection, f"{collection}_synchronization", FEP_FOLLOWERS, "testing.example.org")

    assert value == (
        f'collectionId="{collection}", url="{collection}_synchronization", digest="{FEP_DIGEST}"'
    )
    assert read_header(value, collection) == SyncHeader(f"{collection}_synchronization", FEP_DIGEST)


def test_mastodons_order_of_parameters_is_read() -> None:
    """Mastodon writes the digest before the URL."""
    value = f'collectionId="{FOLLOWERS}", digest="{FEP_DIGEST.upper()}", url="{SYNC}"'

    assert read_header(value, FOLLOWERS) == SyncHeader(SYNC, FEP_DIGEST)


def test_the_order_of_followers_does_not_matter() -> None:
    """Nor does naming one twice: it is a set."""
    assert len({digest_of(order) for order in permutations(FEP_FOLLOWERS)}) == 1
    assert digest_of([BO, BO]) == digest_of([BO])
    assert digest_of([]) == "0" * 64


def test_a_host_is_compared_whole() -> None:
    """`hilltop.example.evil.example` is not Hilltop."""
    assert at_host([BO, "https://hilltop.example.evil.example/users/x"], HILLTOP) == [BO]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "nonsense",
        f'collectionId="{FOLLOWERS}", url="{SYNC}"',
        f'collectionId="{FOLLOWERS}", digest="{FEP_DIGEST}"',
        f'collectionId="{FOLLOWERS}", url="{SYNC}", digest="{FEP_DIGEST[:-1]}"',
        f'collectionId="{FOLLOWERS}", url="{SYNC}", digest="{FEP_DIGEST[:-1]}g"',
        f'collectionId="{ANA}/following", url="{SYNC}", digest="{FEP_DIGEST}"',
        f'collectionId="{FOLLOWERS}", url="https://victim.example/list", digest="{FEP_DIGEST}"',
        f'collectionId="{FOLLOWERS}", url="http://harbour.example/list", digest="{FEP_DIGEST}"',
        f'collectionId="{FOLLOWERS}", url="{SYNC}", digest="{FEP_DIGEST}", digest="{FEP_DIGEST}"',
    ],
)
def test_a_header_with_anything_wrong_is_ignored(value: str | None) -> None:
    """Another's collection, another host's URL, half a digest, unsigned: nothing follows from it."""
    assert read_header(value, FOLLOWERS) is None


def test_without_a_followers_collection_there_is_nothing_to_compare() -> None:
    """An empty `collectionId` does not match an actor that has none."""
    assert read_header(f'collectionId="", url="{SYNC}", digest="{FEP_DIGEST}"', "") is None


def test_very_many_followers_are_not_digested() -> None:
    """As Mastodon does; and a URL of ours with a quotation mark is our own bug."""
    many = [f"https://h{number}.example/u" for number in range(MAX_FOLLOWERS)]

    assert header_for(FOLLOWERS, SYNC, many, HILLTOP) == ""
    with pytest.raises(LocalActivityPubError):
        header_for(FOLLOWERS + '"', SYNC, [], HILLTOP)


def test_ana_restored_an_old_backup() -> None:
    """Harbour forgot that Bo follows and that Cy was accepted later; it believes in Di, who left."""
    header = SyncHeader(SYNC, digest_of([CY, DI]))
    mine = here(accepted="b", pending="c")

    assert differs(header, mine.accepted)
    assert reconcile(header, [CY, DI], mine, HILLTOP) == Repair(remove=(BO,), accept=(CY,), undo=(DI,))


def test_nobody_is_removed_by_a_list_that_was_cut_off() -> None:
    """A fetched list whose digest is not the header's accepts and undoes, but removes nobody."""
    header = SyncHeader(SYNC, digest_of([BO, CY]))

    repair = reconcile(header, [CY], here(accepted="b", pending="c"), HILLTOP)

    assert repair == Repair(accept=(CY,))


def test_strangers_and_other_hosts_in_the_list_mean_nothing() -> None:
    """Nobody undoes a follow for an account that does not exist, or lives elsewhere."""
    listed = [BO, f"https://{HILLTOP}/users/nobody", "https://other.example/users/x"]
    header = SyncHeader(SYNC, digest_of([BO, f"https://{HILLTOP}/users/nobody"]))

    assert reconcile(header, listed, here(accepted="b"), HILLTOP) == Repair()


@given(theirs=st.sets(st.sampled_from([BO, CY, DI])), accepted=st.sets(st.sampled_from("bcd")))
def test_after_the_repair_both_agree(theirs: set[str], accepted: set[str]) -> None:
    """Whatever each side believed, what is left after the repair is the same at both ends."""
    mine = here(accepted="".join(accepted))
    header = SyncHeader(SYNC, digest_of(theirs))

    repair = reconcile(header, theirs, mine, HILLTOP)
    ours_after = mine.accepted - set(repair.remove) | set(repair.accept)
    theirs_after = theirs - set(repair.undo)

    assert ours_after == theirs_after
    assert differs(header, mine.accepted) == (repair != Repair())
