"""What `yurt kit status` tells of a kit: how old it is, who keeps it, and who will not for long."""

import io

from yurt.cli.commands.kit import show_kit
from yurt.cli.output import Output
from yurt.client.portability.calls import BuddyView, KitView

NOW = 1_795_000_000
DAY = 86_400


def lines(*buddies: BuddyView) -> list[str]:
    """What people read."""
    out = io.StringIO()
    kit = KitView(
        exists=True, has_keys=True, graph_at=NOW - 3 * DAY, ties=2, rooms=1, buddies=buddies, now=NOW
    )
    show_kit(kit, Output(as_json=False, out=out))
    return out.getvalue().splitlines()


def test_the_age_is_shown() -> None:
    """Of the kit, and of each copy."""
    first, second = lines(BuddyView(node="hilltop.example", graph=7, kept_at=NOW - 2 * DAY))

    assert first.endswith("(3 days ago).")
    assert second.startswith("hilltop.example  has a copy of ")
    assert second.endswith("(2 days ago)")


def test_a_copy_that_will_be_dropped_and_one_that_was() -> None:
    """Nobody renewed it for a year: that is said before, and afterwards."""
    _, soon, gone = lines(
        BuddyView(node="hilltop.example", graph=7, kept_at=NOW - 371 * DAY, drops_at=NOW + 29 * DAY),
        BuddyView(node="meadow.example", dropped_at=NOW - DAY, problem="it keeps no kits any more"),
    )

    assert "; it drops it on " in soon
    assert soon.endswith(", unless it is renewed")
    assert "has nothing yet; it dropped one on " in gone
    assert gone.endswith("(it keeps no kits any more)")
