"""``yurt devices``: the computers on which you are you."""

import argparse

from yurt.cli.command import with_engine
from yurt.cli.output import Output
from yurt.client.api import EngineApi
from yurt.client.clock import local_time
from yurt.client.counted import counted
from yurt.client.devices.calls import DeviceView, DeviceViews, ListDevices

SHORT: int = 8
"""Characters of an id that are shown, and enough to name a device."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what it takes: nothing."""
    _ = parser


def run(args: argparse.Namespace, output: Output) -> int:
    """List the devices, this one first."""
    _ = args

    async def work(engine: EngineApi) -> int:
        found = await engine.call(ListDevices(), DeviceViews)
        for device in found.devices:
            output.show(_json(device), _line(device, found))
        if not found.asked:
            output.note("your node cannot be reached: when they were last seen is not known")
        return 0

    return with_engine(work, caught_up=True)


def short(device_id: bytes) -> str:
    """Name a device for people."""
    return device_id.hex()[:SHORT]


def _json(device: DeviceView) -> dict[str, object]:
    return {
        "device": device.device_id,
        "this": device.own,
        "since": device.since,
        "last_seen": device.last_seen,
        "not_after": device.not_after,
        "signed_in": device.signed_in,
        "key_packages": device.key_packages,
        "rooms": device.rooms,
    }


def _line(device: DeviceView, found: DeviceViews) -> str:
    parts = [short(device.device_id), f"in {device.rooms} of {counted(found.rooms, 'room')}"]
    if device.since:
        parts.append(f"since {_day(device.since)}")
    if device.last_seen:
        parts.append(f"last seen {_day(device.last_seen)}")
    return "  ".join([*parts, *(["(this one)"] if device.own else [])])


def _day(seconds: int) -> str:
    return f"{local_time(seconds):%Y-%m-%d}"
