from collections.abc import Callable
from typing import Any

from yurt.mls import key_schedule
from yurt.mls.cipher_suite import CipherSuite, cipher_suite
from yurt.mls.codec import Reader, Writer
from yurt.mls.key_schedule import EpochEntry, EpochSecrets

Load = Callable[[str], list[dict[str, Any]]]
SUITE = cipher_suite(1)
unhex = bytes.fromhex
SECRETS = (
    "sender_data_secret",
    "encryption_secret",
    "exporter_secret",
    "external_secret",
    "confirmation_key",
    "membership_key",
    "resumption_psk",
    "epoch_authenticator",
    "init_secret",
)


def test_official_vectors(of_suite: Load, suite: CipherSuite) -> None:
    """In every suite, epoch after epoch, every secret is the standard's."""
    (case,) = of_suite("key-schedule")
    init_secret = unhex(case["initial_init_secret"])

    for epoch in case["epochs"]:
        context = unhex(epoch["group_context"])
        joiner = key_schedule.joiner_secret(suite, init_secret, unhex(epoch["commit_secret"]), context)
        entry = EpochEntry.of(suite, joiner, unhex(epoch["psk_secret"]))
        secrets = entry.epoch_secrets(context)

        assert joiner == unhex(epoch["joiner_secret"])
        assert entry.welcome_secret() == unhex(epoch["welcome_secret"])
        assert {name: getattr(secrets, name).hex() for name in SECRETS} == {n: epoch[n] for n in SECRETS}
        assert key_schedule.external_public(suite, secrets.external_secret).hex() == epoch["external_pub"]
        given = epoch["exporter"]
        exported = key_schedule.export(
            suite, secrets.exporter_secret, given["label"], unhex(given["context"]), given["length"]
        )
        assert exported == unhex(given["secret"])
        init_secret = secrets.init_secret

    assert len(case["epochs"]) == 5


def test_secrets_come_back_from_their_row() -> None:
    """What is stored of an epoch is what is read, without the secret that the tree took over."""
    secrets = EpochSecrets.of(SUITE, bytes(32)).without_encryption_secret()
    w = Writer()
    secrets.encode_to(w)

    assert EpochSecrets.decode_from(Reader(w.bytes())) == secrets
    assert secrets.encryption_secret == b""


def test_secrets_stay_out_of_repr() -> None:
    """Printing an epoch shows no secret."""
    secrets = EpochSecrets.of(SUITE, bytes(32))

    assert "secret" not in repr(secrets)
