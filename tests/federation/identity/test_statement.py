"""An actor document shows whose actor it is."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from yurt.identity import base58
from yurt.identity.errors import StatementError
from yurt.identity.identity_key import IdentityKey
from yurt.identity.statement import make_statement, verify_statement

ACTOR = "https://harbour.example/users/ana"


def test_published_vector() -> None:
    """FEP-c390's own example key, actor and time give its own proof value."""
    identity = IdentityKey(base58.decode("3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")[2:])
    created = int(datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC).timestamp())

    statement = json.loads(make_statement(identity, "https://server.example/users/alice", created))

    assert statement["subject"] == "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    assert statement["proof"]["proofValue"] == (
        "z26W7TfJYD9DrGqnem245zNbeCbTwjb8avpduzi1JPhFrwML99CpP6gGXSKSXAcQdpGFBXF4kx7VwtXKhu7VDZJ54"
    )


def test_statement_names_its_person(ana: IdentityKey, golden: Callable[[str, bytes], None]) -> None:
    """Who verifies it learns the did."""
    statement = make_statement(ana, ACTOR, 1_795_000_000)

    assert verify_statement(statement, ACTOR) == ana.did
    golden("statement.json", statement)


def test_statement_binds_one_actor(ana: IdentityKey) -> None:
    """Copied into another actor's document it proves nothing."""
    statement = make_statement(ana, ACTOR, 1_795_000_000)

    with pytest.raises(StatementError) as caught:
        verify_statement(statement, "https://harbour.example/users/eve")

    assert caught.value.rule == "statementActor"


def test_rewritten_statement(ana: IdentityKey, bo: IdentityKey) -> None:
    """Bo cannot put his did under ana's proof, nor ana's under his."""
    statement = make_statement(ana, ACTOR, 1_795_000_000)

    for forged in (
        statement.replace(ana.did.encode(), bo.did.encode()),
        statement.replace(b'"subject":"' + ana.did.encode(), b'"subject":"' + bo.did.encode()),
        statement.replace(b"2026", b"2027"),
    ):
        assert forged != statement
        with pytest.raises(StatementError):
            verify_statement(forged, ACTOR)


@pytest.mark.parametrize(
    "statement",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 3000,
        b'{"type":"VerifiableIdentityStatement"}',
        b'{"type":"VerifiableIdentityStatement","alsoKnownAs":"' + ACTOR.encode() + b'","proof":{}}',
        b'{"type":"VerifiableIdentityStatement","alsoKnownAs":"'
        + ACTOR.encode()
        + b'","subject":"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2","proof":'
        + b'{"type":"DataIntegrityProof","proofValue":"z0","x":1e400}}',
        b" " * 5000,
    ],
)
def test_hostile_statement(statement: bytes) -> None:
    """Whatever is served as a statement is answered with a rule, never a traceback."""
    with pytest.raises(StatementError):
        verify_statement(statement, ACTOR)


def test_fragment_in_the_method_is_understood(ana: IdentityKey) -> None:
    """Some software names the key as well; the proof then covers that name."""
    statement = json.loads(make_statement(ana, ACTOR, 0))
    statement["proof"]["verificationMethod"] += "#" + ana.did.removeprefix("did:key:")

    with pytest.raises(StatementError) as caught:
        verify_statement(json.dumps(statement).encode(), ACTOR)

    assert caught.value.rule == "statementSignature"  # understood, and not what ana signed
