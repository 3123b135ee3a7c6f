"""A file sealed under a passphrase: Argon2id, then AES-256-GCM in chunks.

::

    magic (14) | salt (16) | memory KiB (u32) | passes (u32) | nonce prefix (7) | chunk | chunk | ...

Each chunk is 64 KiB of plaintext (the last one less) and a tag. Its nonce is prefix, number (u32) and whether
it is the last (u8): the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizar (2015). Chunks can be
neither swapped nor left out, and a file that was cut off is noticed. The header is bound to every chunk.
"""

import os
import struct
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yurt.node.config import ConfigError

MAGIC: Final = b"yurt-sealed-1\n"
CHUNK: Final = 64 * 1024
_TAG: Final = 16
_PARAMETERS: Final = struct.Struct(">16sII7s")
_NONCE_END: Final = struct.Struct(">IB")
# RFC 9106, section 4, the second recommended option (64 MiB, 3 passes), with one lane.
MEMORY_KIB: Final = 64 * 1024
PASSES: Final = 3
_MAX_MEMORY_KIB: Final = 1024 * 1024
_MAX_PASSES: Final = 20


class WrongPassphrase(ConfigError):
    """The passphrase is wrong, or the file was changed or cut off: nobody can tell which."""

    def __init__(self) -> None:
        super().__init__("the passphrase is wrong, or the backup was damaged")


class SealedWriter:
    """Seals what is written; whole only once `finish` was called."""

    def __init__(self, out: BinaryIO, passphrase: str) -> None:
        salt, self._prefix = os.urandom(16), os.urandom(7)
        self._header = MAGIC + _PARAMETERS.pack(salt, MEMORY_KIB, PASSES, self._prefix)
        self._key = AESGCM(_derive(passphrase, salt, MEMORY_KIB, PASSES))
        self._out = out
        self._number = 0
        self._rest = bytearray()
        out.write(self._header)

    def write(self, data: bytes) -> int:
        """Take plaintext."""
        self._rest += data
        while len(self._rest) > CHUNK:
            self._seal(bytes(self._rest[:CHUNK]), last=False)
            del self._rest[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk, which says that it is the last."""
        self._seal(bytes(self._rest), last=True)
        self._rest.clear()

    def _seal(self, plain: bytes, *, last: bool) -> None:
        nonce = self._prefix + _NONCE_END.pack(self._number, last)
        self._out.write(self._key.encrypt(nonce, plain, self._header))
        self._number += 1


class SealedReader:
    """Opens what was sealed, chunk by chunk; gives nothing that was not verified."""

    def __init__(self, source: BinaryIO, passphrase: str) -> None:
        header = source.read(len(MAGIC) + _PARAMETERS.size)
        if len(header) != len(MAGIC) + _PARAMETERS.size or not header.startswith(MAGIC):
            raise ConfigError("this is no sealed backup")
        salt, memory_kib, passes, self._prefix = _PARAMETERS.unpack(header[len(MAGIC) :])
        if not 8 <= memory_kib <= _MAX_MEMORY_KIB or not 1 <= passes <= _MAX_PASSES:
            raise ConfigError("this backup asks for more work than any backup of ours does")
        self._header = header
        self._key = AESGCM(_derive(passphrase, salt, memory_kib, passes))
        self._source = source
        self._number = 0
        self._ahead = source.read(CHUNK + _TAG)
        self._plain = b""
        self._ended = False

    def read(self, size: int) -> bytes:
        """Give at most so many bytes of plaintext; none at the proven end.

        Raises:
            WrongPassphrase: a chunk does not verify, or the last one is missing.
        """
        while not self._plain and not self._ended:
            self._plain = self._open()
        given, self._plain = self._plain[:size], self._plain[size:]
        return given

    def _open(self) -> bytes:
        sealed, self._ahead = self._ahead, self._source.read(CHUNK + _TAG)
        self._ended = not self._ahead
        nonce = self._prefix + _NONCE_END.pack(self._number, self._ended)
        self._number += 1
        try:
            return self._key.decrypt(nonce, sealed, self._header)
        except InvalidTag as error:
            raise WrongPassphrase from error


def _derive(passphrase: str, salt: bytes, memory_kib: int, passes: int) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=salt, length=32, iterations=passes, lanes=1, memory_cost=memory_kib)
    return kdf.derive(passphrase.encode("utf-8", "surrogatepass"))
