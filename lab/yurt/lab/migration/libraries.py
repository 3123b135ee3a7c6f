"""The libraries of the lab's extra, imported only when something is played; nothing else needs them."""

from importlib import import_module
from typing import Any

from yurt.lab.migration.errors import ExtraMissing


def networkx() -> Any:  # noqa: ANN401  # it has no types
    """Import networkx.

    Raises:
        ExtraMissing: It is not installed.
    """
    return _library("networkx")


def pyplot() -> Any:  # noqa: ANN401  # its types leave most unknown
    """Import matplotlib, drawing into memory, never on a screen.

    Raises:
        ExtraMissing: It is not installed.
    """
    _library("matplotlib").use("svg")
    return _library("matplotlib.pyplot")


def _library(name: str) -> Any:  # noqa: ANN401  # a library without types
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ExtraMissing(name.partition(".")[0]) from error
