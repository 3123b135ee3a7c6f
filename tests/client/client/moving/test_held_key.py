"""The old actor key is needed when an old node goes silent in the midst of a move; the phrase finds it."""

import os
from dataclasses import replace

import pytest

from yurt.client.links import AccountInvite
from yurt.client.moving.prepare import held_keys, prepare_move, seal_new_keys
from yurt.client.portability.new_kit import new_kit
from yurt.client.vault.accounts import Account
from yurt.client.vault.kits import KitRow
from yurt.identity.device import DeviceKeys
from yurt.identity.phrase import RecoveryPhrase
from yurt.identity.signed_record import SignedRecord, first_record, verify_first, verify_record
from yurt.portability.kit_file import encode_kit, open_kit
from yurt.portability.kit_keys import kit_secrets

NOW = 1_795_000_000
OLD_KEY = b"the old actor key"
INVITE = AccountInvite("new.example", "c" * 10, bytes(16))


@pytest.fixture
def phrase() -> RecoveryPhrase:
    """Ana's 24 words."""
    return RecoveryPhrase.generate(os.urandom)


@pytest.fixture
def account(phrase: RecoveryPhrase) -> Account:
    """Ana's, before there is a kit."""
    device, identity = DeviceKeys.generate(), phrase.identity_key()
    actor = "https://old.example/users/ana"
    record = first_record(identity, actor, device.public, not_after=NOW + 9, time=NOW)
    return Account(
        state="joined",
        name="ana",
        node="old.example",
        did=identity.did,
        device=device,
        record=record.encode(),
        actor_key=OLD_KEY,
        login_key=bytes(32),
    )


def kit_of(account: Account, phrase: RecoveryPhrase) -> KitRow:
    """What the vault has of the kit."""
    return new_kit(phrase, account, verify_first(SignedRecord.decode(account.record)), NOW)


def test_a_key_that_was_sealed_is_found_with_the_phrase(account: Account, phrase: RecoveryPhrase) -> None:
    """From sign-up on the key is in the kit alone; a planned move takes it from there."""
    kit = kit_of(account, phrase)
    sealed = replace(account, actor_key=b"")

    found = held_keys(sealed, kit, phrase)

    assert [(key.private, key.key_id) for key in found] == [
        (OLD_KEY, "https://old.example/users/ana#main-key")
    ]
    assert held_keys(sealed, None, phrase) == ()
    assert held_keys(sealed, kit, RecoveryPhrase.generate(os.urandom)) == ()


def test_the_new_kit_keeps_the_old_key(account: Account, phrase: RecoveryPhrase) -> None:
    """Whoever has not heard of a move can still be told with the key that they know."""
    sealed, kit = replace(account, actor_key=b""), kit_of(account, phrase)
    held = held_keys(sealed, kit, phrase)
    row = prepare_move(sealed, INVITE, "ana", phrase.identity_key(), NOW, held=held)

    _, part = seal_new_keys(phrase, sealed.device, row, NOW + 1, NOW)
    opened = open_kit(
        [encode_kit(verify_record(SignedRecord.decode(row.record)), [part])], kit_secrets(phrase)
    )

    assert opened.keys is not None
    assert {key.actor: key.private for key in opened.keys.actor_keys} == {
        "https://old.example/users/ana": OLD_KEY,
        "https://new.example/users/ana": row.actor_key,
    }
