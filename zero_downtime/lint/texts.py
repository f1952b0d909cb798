"""Files as text, whatever their encoding: UTF-8, UTF-16 with or without its mark, else Latin-1."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from zero_downtime.errors import InputError


class Text(Struct, frozen=True):
    """A text without its byte order mark, and the encoding that gives its bytes back."""

    text: str
    encoding: str = "utf-8"
    mark: bytes = b""
    note: str | None = None

    def encode(self, text: str) -> bytes:
        """Another text in the same encoding. Raises UnicodeEncodeError."""
        return self.mark + text.encode(self.encoding)


Read = Callable[[Path], Text]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_text(path: Path) -> str:
    """The text of a file. Raises InputError."""
    return read(path).text


def read(path: Path) -> Text:
    """The text of a file with its encoding. Raises InputError."""
    try:
        return decoded(path.read_bytes())
    except OSError as error:
        raise InputError(
            where=path, reason=f"can't be read ({error.strerror})", advice="Check the path"
        ) from error


def decoded(content: bytes) -> Text:
    """Bytes as text. What is no valid UTF-8 is taken for Latin-1, which fits any bytes."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            found = _decoded(content[len(mark) :], encoding, mark)
            return found or _latin(content)
    return _decoded(content, _guess(content)) or _latin(content)


def _guess(content: bytes) -> str:
    """UTF-8, unless every other byte of the beginning is zero as in ASCII text in UTF-16."""
    start = content[:200]
    if len(content) % 2 == 0 and len(start) > 3:
        for encoding, zeros, others in (
            ("utf-16-le", start[1::2], start[::2]),
            ("utf-16-be", start[::2], start[1::2]),
        ):
            if zeros.count(0) > len(zeros) * 0.7 and 0 not in others:
                return encoding
    return "utf-8"


def _decoded(content: bytes, encoding: str, mark: bytes = b"") -> Text | None:
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        # The parser would take it for the end of the statement.
        return Text(text.replace("\0", "\ufffd"), encoding, mark, "it holds NUL bytes")
    return Text(text, encoding, mark)


def _latin(content: bytes) -> Text:
    text = content.decode("latin-1").replace("\0", "\ufffd")
    return Text(text, "latin-1", note="it is not UTF-8 and was read as Latin-1")
