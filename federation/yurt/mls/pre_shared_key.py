"""The name of a pre-shared key; the key itself never travels (RFC 9420, 8.4)."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

from typing_extensions import override

from yurt.mls.codec import Reader, Structure, Writer
from yurt.mls.errors import DecodeError


class PSKType(IntEnum):
    """Where a pre-shared key comes from."""

    EXTERNAL = 1
    RESUMPTION = 2


class ResumptionPSKUsage(IntEnum):
    """What a key from an earlier epoch is used for."""

    APPLICATION = 1
    REINIT = 2
    BRANCH = 3


@dataclass(frozen=True, slots=True)
class ExternalPSK:
    """A key that the members have from elsewhere."""

    psk_id: bytes


@dataclass(frozen=True, slots=True)
class ResumptionPSK:
    """A key that an epoch of a group gave to its members."""

    usage: ResumptionPSKUsage
    group_id: bytes
    epoch: int


@dataclass(frozen=True, slots=True)
class PreSharedKeyID(Structure):
    """A pre-shared key's name with the nonce of this use."""

    source: ExternalPSK | ResumptionPSK
    nonce: bytes

    @override
    def encode_to(self, w: Writer) -> None:
        """Write the structure."""
        if isinstance(self.source, ExternalPSK):
            w.u8(PSKType.EXTERNAL).opaque(self.source.psk_id)
        else:
            w.u8(PSKType.RESUMPTION).u8(self.source.usage)
            w.opaque(self.source.group_id).u64(self.source.epoch)
        w.opaque(self.nonce)

    @override
    @classmethod
    def decode_from(cls, r: Reader) -> Self:
        """Read the structure."""
        try:
            kind = PSKType(r.u8())
            source = ExternalPSK(r.opaque()) if kind is PSKType.EXTERNAL else _resumption(r)
        except ValueError as error:
            raise DecodeError(str(error)) from None
        return cls(source, r.opaque())


def _resumption(r: Reader) -> ResumptionPSK:
    return ResumptionPSK(ResumptionPSKUsage(r.u8()), r.opaque(), r.u64())
