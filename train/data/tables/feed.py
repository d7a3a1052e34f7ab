"""The bytes of a table on their way to a parser: UTF-8 rows, without what stands above and below them."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...errors import InputError, counted, one_line, shown
from ...files import check_unpacked, open_file
from .cells import is_missing, is_number
from .dialect import Dialect
from .splitting import malformed, not_text, split_spaces

_BLOCK = 1 << 18
# The most bytes at the end in which a footer is looked for.
_TAIL = 1 << 13
_MOST_FOOTERS = 10
_TOTALS = frozenset(
    ("total", "totals", "grand total", "subtotal", "sum", "average", "mean", "summe", "gesamt", "gesamtsumme",
     "insgesamt", "mittelwert", "durchschnitt", "somme", "moyenne", "suma", "totale")
)  # fmt: skip
_NOTES = ("source", "note", "total", "quelle", "stand", "hinweis", "©", "*", "nota", "fuente")


class OtherEncoding(Exception):
    """A file whose first bytes were UTF-8 goes on in another encoding."""


class QuotesBehindSpaces(Exception):
    """A file in which a quotation mark stands behind a space, though none did in its first rows."""


class Feed:
    """A file to read from, as pandas and csv take one, of the rows alone.

    Parameters
    ----------
    path : path
    dialect : Dialect

    Attributes
    ----------
    quotes : bool
        Whether a quotation mark was met so far.
    zeros : bool
        Whether a cell began with a zero and another digit.
    delimiters : int
        How many delimiters were met.
    position, size : int
        Bytes of the file that were read, and all of them.
    notes : list of str
        What was left out at the end.
    """

    def __init__(self, path: str | os.PathLike[str], dialect: Dialect) -> None:
        self._path, self.dialect = path, dialect
        self.quotes = self.zeros = False
        self.delimiters = self.position = 0
        self.notes: list[str] = []
        self._file = open_file(path)
        self.size = os.fstat(self._file.fileno()).st_size
        self._stream: Any = gzip.GzipFile(fileobj=self._file) if dialect.packed else self._file
        self._decoder = codecs.getincrementaldecoder(dialect.encoding)()
        self._recode = not dialect.encoding.startswith("utf-8")
        self._skip, self._unpacked = dialect.skip, 0
        self._pending, self._last, self._ended = b"", b"\n", False
        self._within = self._within_comment = False
        if dialect.encoding == "utf-8-sig":
            self._stream.read(3)
            self._decoder = codecs.getincrementaldecoder("utf-8")()

    def __iter__(self) -> Iterator[str]:
        """Lines, with their ends."""
        rest = b""
        while block := self.read():
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                yield line.decode() + "\n"
        if rest:
            yield rest.decode()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """The next bytes, some thousands of them whatever was asked for; none at the end.

        Raises
        ------
        InputError
            If the file cannot be read or unpacked, or has NUL bytes.
        OtherEncoding
            If it is not in the dialect's encoding.
        """
        while not self._ended:
            raw = self._raw()
            block = self._rows_of(raw)
            if not raw:
                self._ended = True
                block = self._without_footer(self._pending + block)
                self._pending = b""
            else:
                block = self._pending + block
                cut = block.rfind(b"\n", 0, max(len(block) - _TAIL, 0)) + 1
                block, self._pending = block[:cut], block[cut:]
            if block:
                self._look_at(block)
                return block
        return b""

    def _raw(self) -> bytes:
        try:
            raw = self._stream.read(_BLOCK)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{self.dialect.name} cannot be read to its end: {one_line(error)}"
            ) from None
        self._unpacked += len(raw)
        self.position = self._file.tell()
        if self.dialect.packed:
            check_unpacked(self._unpacked, self.size, self.dialect.name)
        return raw

    def _rows_of(self, raw: bytes) -> bytes:
        """The block in UTF-8, without what is above the rows, comments as blank lines."""
        block = raw
        if self._recode or not raw or not raw.isascii():
            try:
                text = self._decoder.decode(raw, not raw)
            except UnicodeDecodeError as error:
                if not self._recode:
                    raise OtherEncoding from None
                line = self._line(raw.count(b"\n", 0, error.start))
                raise InputError(
                    f"{self.dialect.name}, row {line}: byte {error.object[error.start]:#04x} is not "
                    f"{self.dialect.encoding}: save the table as UTF-8"
                ) from None
            block = text.encode(errors="surrogatepass")
        elif self._decoder.getstate()[0]:
            raise OtherEncoding
        if b"\0" in block:
            raise not_text(self.dialect.name, self._line(block.count(b"\n", 0, block.index(0))))
        if self.dialect.old_mac:
            block = block.replace(b"\r", b"\n")
        while self._skip and block:
            end = block.find(b"\n") + 1
            if not end:
                return b""
            self._skip, block = self._skip - 1, block[end:]
        return self._without_comments(block) if self.dialect.comments else block

    def _line(self, more: int) -> int:
        """The line so many line breaks after those of the blocks before; they are counted anew."""
        with contextlib.closing(Feed(self._path, self.dialect)) as again:
            before, breaks = b"", 0
            while self._unpacked > again._unpacked:
                breaks += before.count(b"\n")
                before = again._raw()
        return breaks + more + 1

    def _without_comments(self, block: bytes) -> bytes:
        lines = block.split(b"\n")
        for i, line in enumerate(lines):
            at_start = i > 0 or self._last == b"\n"
            if at_start and not self._within and line.startswith(b"#"):
                lines[i] = b""
                self._within_comment = i == len(lines) - 1
            elif i == 0 and self._within_comment:
                lines[i] = b""
                self._within_comment = len(lines) == 1
            elif line.count(b'"') % 2:
                self._within = not self._within
        self._last = block[-1:] or self._last
        return b"\n".join(lines)

    def _look_at(self, block: bytes) -> None:
        """Note what the parser cannot be asked about."""
        delimiter = ord(self.dialect.delimiter)
        codes = np.frombuffer(block, np.uint8)
        self.delimiters += int(np.count_nonzero(codes == delimiter))
        if b'"' in block:
            self.quotes = True
            if not self.dialect.spaces and f'{self.dialect.delimiter} "'.encode() in block:
                raise QuotesBehindSpaces
        if not self.zeros and len(codes) > 1:
            zero = codes[:-1] == 48
            zero &= (codes[1:] - np.uint8(48)) < 10
            begins = (codes[:-2] == delimiter) | (codes[:-2] == 10)
            if self.quotes:
                begins |= codes[:-2] == 34
            zero[1:] &= begins
            self.zeros = bool(zero.any()) or self._has_spaced_zero(block)

    def _has_spaced_zero(self, block: bytes) -> bool:
        """Whether a cell that begins with spaces goes on with a zero and another digit."""
        before = self.dialect.delimiter.encode()
        # seldom, and then worth a search; a search for one byte costs nothing
        if b" " not in block or (before + b" " not in block and b"\n " not in block):
            return False
        pattern = rb"(?:^|[\n" + re.escape(before) + rb"]) +\"?0[0-9]"
        return re.search(pattern, block) is not None

    def _without_footer(self, block: bytes) -> bytes:
        """The last block without lines of totals and notes, and without rows that have no cell."""
        left: list[str] = []
        end = len(block)
        while len(left) < _MOST_FOOTERS:
            text = block[:end].rstrip(b"\r\n")
            start = text.rfind(b"\n") + 1
            cells = self._cells(text[start:])
            words = [cell for cell in cells if cell]
            if not words:
                if not text:
                    break
                end = start
                continue
            if not self._is_footer(cells, words, block[:start]):
                break
            left.append(shown(" ".join(words), 40))
            end = start
        if not left:
            return block
        self.notes.append(
            f"{counted(len(left), 'line')} below the rows left out: {', '.join(left[::-1])}"
        )
        return block[:end]

    def _cells(self, line: bytes) -> list[str]:
        text = line.decode(errors="replace")
        if self.dialect.delimiter == " ":
            return split_spaces(text)
        try:
            cells = next(
                csv.reader([text], delimiter=self.dialect.delimiter, skipinitialspace=True), []
            )
        except csv.Error:
            return [text]
        return [cell.strip() for cell in cells]

    def _is_footer(self, cells: list[str], words: list[str], above: bytes) -> bool:
        first, width = words[0], self.dialect.width
        if is_number(first) or width < 2 or not above.strip():
            return False
        lines = above.rstrip(b" ").split(b"\n")
        if first.rstrip(":").lower() in _TOTALS and len(cells) in (1, width):
            others = [next((c for c in self._cells(line) if c), "") for line in lines[-200:]]
            return first not in others
        blank = len(lines) > 1 and not any(self._cells(lines[-2] if not lines[-1] else lines[-1]))
        note = first.lower().startswith(_NOTES)
        return (
            len(words) == 1 and len(cells) in (1, width) and (blank or (note and len(cells) == 1))
        )


class Records:
    """The rows of a table one by one, as lists of cells, each with the line of the file at which it ends.

    Rows of which every cell is missing are left out, as blank lines are.

    Raises
    ------
    InputError
        For a row that is malformed, or has more or fewer cells than the first one.
    """

    def __init__(self, path: str | os.PathLike[str], dialect: Dialect) -> None:
        self.path, self.dialect = path, dialect

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Line and cells of each row."""
        dialect, feed = self.dialect, Feed(self.path, self.dialect)
        try:
            for number, cells in self._numbered(feed):
                if not cells or (len(cells) == 1 and not cells[0].strip()):
                    continue
                if len(cells) != dialect.width:
                    raise InputError(
                        f"{dialect.name}, row {number}: {counted(len(cells), 'column')}, "
                        f"where row {dialect.first_line} has {dialect.width:,}"
                    )
                if not all(map(is_missing, cells)):
                    yield number, cells
        finally:
            feed.close()

    def _numbered(self, feed: Feed) -> Iterator[tuple[int, list[str]]]:
        dialect = self.dialect
        if dialect.delimiter == " ":
            for number, line in enumerate(feed, dialect.skip + 1):
                yield number, split_spaces(line)
            return
        reader = csv.reader(feed, delimiter=dialect.delimiter, skipinitialspace=True, strict=True)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise malformed(dialect.name, reader.line_num + dialect.skip, error) from None
            yield reader.line_num + dialect.skip, cells


def check_rows(path: str | os.PathLike[str], dialect: Dialect) -> int:
    """Count the rows one by one, which are all well-formed.

    Raises
    ------
    InputError
        For the first row that is not.
    """
    return sum(1 for _ in Records(path, dialect))
