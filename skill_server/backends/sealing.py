"""What encrypts the files of a backup on their way to the disk, where a project asks for it."""

from typing import BinaryIO, Protocol


class Seal(Protocol):
    """Wraps the file below: what is written through it reaches the file encrypted, what is read comes back plain.

    Hashes and sizes of a backup are those of the encrypted file, so that checking them needs no key.
    """

    def writing(self, file: BinaryIO) -> BinaryIO:
        """Return a stream to write plain bytes to; closing it completes the encrypted file but does not close it."""
        ...

    def reading(self, file: BinaryIO) -> BinaryIO:
        """Return a stream of plain bytes; a file that was changed raises OSError while it is read."""
        ...
