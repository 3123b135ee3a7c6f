"""A node has to do with whom its operator lets it."""

import pytest

from yurt.activitypub.domains import BLOCKED, NOT_ALLOWED, DomainRules, Mode

NODE = "harbour.example"
OPEN = DomainRules(NODE, Mode.OPEN, frozenset({"bad.example"}), frozenset({"hill.example"}))
CLOSED = DomainRules(NODE, Mode.ALLOWLIST, frozenset({"bad.hill.example"}), frozenset({"hill.example"}))


@pytest.mark.parametrize(
    ("rules", "host", "code"),
    [
        (OPEN, "hill.example", ""),
        (OPEN, "bad.example", BLOCKED),
        (OPEN, "deep.media.bad.example", BLOCKED),
        (OPEN, "notbad.example", ""),
        (OPEN, "bad.example.org", ""),
        (CLOSED, "hill.example", ""),
        (CLOSED, "media.hill.example", NOT_ALLOWED),
        (CLOSED, "bad.hill.example", BLOCKED),
        (CLOSED, "bad.example", NOT_ALLOWED),
    ],
)
def test_a_list_decides(rules: DomainRules, host: str, code: str) -> None:
    """A block covers what is beneath it; what is allowed is one name."""
    assert rules.refuses(host) == code


def test_nobody_shuts_themselves_out() -> None:
    """The own domain is never refused, whatever the lists say."""
    rules = DomainRules(NODE, Mode.ALLOWLIST, frozenset({"example", NODE}))

    assert rules.refuses(NODE) == ""
    assert rules.refuses("hill.example") == BLOCKED
