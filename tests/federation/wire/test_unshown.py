"""Secrets on their way show nothing of themselves."""

import importlib
import pkgutil

import msgspec
import pytest
from rich.pretty import pretty_repr

import yurt.wire
from yurt.wire.account_commands import Login
from yurt.wire.unshown import Unshown

SECRET = frozenset({"login_key", "passphrase", "phrase", "secret", "token"})


def test_nothing_is_shown() -> None:
    """Whoever prints a login, by hand or with Rich, reads its name only."""
    login = Login(account="ana", login_key=b"k" * 32, device_id=b"d" * 16)

    assert repr(login) == "Login(...)"
    assert pretty_repr(login) == "Login()"


@pytest.mark.parametrize("module", [each.name for each in pkgutil.iter_modules(yurt.wire.__path__)])
def test_no_secret_is_shown(module: str) -> None:
    """Each structure of the wire with a secret in it hides it."""
    found = vars(importlib.import_module(f"yurt.wire.{module}")).values()
    structs = [each for each in found if isinstance(each, type) and issubclass(each, msgspec.Struct)]

    assert not [
        each.__name__
        for each in structs
        if SECRET & set(each.__struct_fields__) and not issubclass(each, Unshown)
    ]
