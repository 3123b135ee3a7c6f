"""Two people see the same number, and no other pair does."""

import re
from collections.abc import Callable

import pytest

from yurt.identity.errors import MalformedDid
from yurt.identity.identity_key import IdentityKey
from yurt.identity.safety_number import safety_number


def test_both_see_the_same(ana: IdentityKey, bo: IdentityKey, golden: Callable[[str, bytes], None]) -> None:
    """The order of the dids does not matter."""
    number = safety_number(ana.did, bo.did)

    assert number == safety_number(bo.did, ana.did)
    assert re.fullmatch(r"(\d{5} ){11}\d{5}", number)
    golden("safety_number.txt", number.encode())


def test_a_third_person_changes_it(ana: IdentityKey, bo: IdentityKey) -> None:
    """Whoever stands between has another did, and so another number."""
    eve = IdentityKey(bytes(32))

    assert safety_number(ana.did, eve.did) != safety_number(ana.did, bo.did)


def test_no_did(ana: IdentityKey) -> None:
    """Comparing with nobody is an error, not a number."""
    with pytest.raises(MalformedDid):
        safety_number(ana.did, "bo")
