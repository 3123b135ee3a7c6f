"""The table of stock profiles, read from ``profiles.toml``: each rule and habit exists, and has a source."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec

from yurt.lab.migration.errors import ScenarioError
from yurt.lab.migration.stock_rules import HABITS, RULES

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Sourced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule or a habit, and where it was read."""

    name: _Text
    source: _Text


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of server; the fields are explained at the top of ``profiles.toml``."""

    name: _Text
    software: _Text
    release: _Text
    follows_move: bool
    rule: tuple[Sourced, ...] = ()
    habit: tuple[Sourced, ...] = ()
    same_as: str = ""
    source: str = ""
    delay_s: float = 0.0
    refusals: int = 0
    retry_after_s: int = 0

    @property
    def rules(self) -> tuple[str, ...]:
        """Names of the rules, in the order in which they are asked."""
        if self.same_as:
            return profile(self.same_as).rules
        return tuple(rule.name for rule in self.rule)

    @property
    def habits(self) -> frozenset[str]:
        """Names of the habits."""
        own = frozenset(habit.name for habit in self.habit)
        return own | profile(self.same_as).habits if self.same_as else own

    def source_of(self, name: str) -> str:
        """Where a rule or a habit was read; the profile's own source for what has no name in it."""
        for named in (*self.rule, *self.habit):
            if named.name == name:
                return named.source
        return profile(self.same_as).source_of(name) if self.same_as else self.source


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    profile: tuple[Profile, ...]


@cache
def profiles() -> dict[str, Profile]:
    """Read the table.

    Raises:
        ScenarioError: A rule or a habit that does not exist.
    """
    text = files("yurt.lab.migration").joinpath("profiles.toml").read_text(encoding="utf-8")
    table = msgspec.convert(tomllib.loads(text), _Table)
    for one in table.profile:
        for named in (*one.rule, *one.habit):
            if named.name not in RULES.keys() | HABITS.keys():
                raise ScenarioError(f"profile {one.name}", f"nothing is called {named.name}")
    return {one.name: one for one in table.profile}


def profile(name: str) -> Profile:
    """Find a profile.

    Raises:
        ScenarioError: There is none of that name.
    """
    found = profiles().get(name)
    if found is None:
        raise ScenarioError("servers.stock", f"no profile is called {name!r}: {', '.join(profiles())}")
    return found
