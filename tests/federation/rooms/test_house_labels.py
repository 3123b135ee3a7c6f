"""No label of the rooms and of linking is another's, or begins with it."""

from itertools import permutations

from yurt.identity import labels as identity
from yurt.portability import labels as portability
from yurt.rooms.common import labels as rooms
from yurt.wire import registry

ALL = (*registry.LABELS, *identity.LABELS, *rooms.LABELS, *portability.LABELS)


def test_every_label_is_listed() -> None:
    """A label that is not listed would escape the other test."""
    for module in (identity, rooms):
        named = {value for name, value in vars(module).items() if name.startswith("LABEL_")}
        assert named == set(module.LABELS)


def test_labels_of_the_house_are_distinct() -> None:
    """A signature, key or MAC made for one purpose is worth nothing for any other."""
    assert len(set(ALL)) == len(ALL)
    for one, other in permutations(ALL, 2):
        assert not other.startswith(one)
        assert b"\0" not in one
