"""How a table in a text file is written: encoding, delimiter, header, decimal sign, and what is no row."""

from __future__ import annotations

import codecs
import gzip
import itertools
import os
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import InputError, counted, one_line, shown
from ...files import open_file
from .cells import NumberFormat, evidence, is_missing, is_number
from .splitting import Row, not_text, split_rows, split_spaces

# Bytes of which the way of writing is found, rows that tell the delimiter, and rows that tell the rest.
_SAMPLE, _ROWS, _MORE_ROWS = 1 << 20, 200, 2000
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "spaces"}
# Lines above the header.
_MOST_TITLES = 20
# Of delimiters that fit equally well the first: numbers have commas in them, cells seldom tabs.
_DELIMITERS = "\t;|,"
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_WINDOWS = "cp1252"
# that of UTF-32 begins as that of UTF-16 does
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_POINT = NumberFormat()


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes
    ----------
    name : str
        The file's name.
    packed : bool
        Whether it is gzipped.
    encoding : str
        As Python calls it.
    old_mac : bool
        Whether lines end with a carriage return alone.
    delimiter : str
        One character; a space for runs of spaces.
    skip : int
        Lines above the first row: titles, comments, header.
    first_line : int
        The line of the header, or of the first row.
    columns : tuple of str
        Their names as they stand in the header; empty without one.
    width : int
        How many cells a row has.
    comments : bool
        Whether lines that begin with # are comments.
    spaces : bool
        Whether quotation marks stand behind spaces, which costs time to look at.
    numbers : NumberFormat
    notes : tuple of str
        What else was found, in words.
    """

    name: str
    packed: bool = False
    encoding: str = "utf-8"
    old_mac: bool = False
    delimiter: str = ","
    skip: int = 0
    first_line: int = 1
    columns: tuple[str, ...] = ()
    width: int = 1
    comments: bool = False
    spaces: bool = False
    numbers: NumberFormat = _POINT
    notes: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """What was found, in words."""
        found = [f"separated by {_plural(self.delimiter)}"]
        if self.width == 1:
            found = ["one column"]
        found.append(f"header in line {self.first_line}" if self.columns else "no header")
        if self.numbers.decimal == ",":
            found.append("decimal comma")
        if self.encoding == _WINDOWS:
            found.append(
                "not UTF-8: read as Windows-1252, as old Excel writes (else save it as UTF-8)"
            )
        elif self.encoding.startswith("utf-16"):
            found.append("UTF-16")
        if self.packed:
            found.append("gzipped")
        return [*found, *self.notes]


def _plural(delimiter: str) -> str:
    name = _NAMES.get(delimiter, repr(delimiter))
    return name if name.endswith("s") else name + "s"


def find_dialect(
    path: str | os.PathLike[str],
    *,
    encoding: str = "",
    decimal: str = "",
    usual: str = "",
    names: Sequence[str] = (),
) -> Dialect:
    """Find how a table is written, from its first rows.

    Parameters
    ----------
    path : path
    encoding : str, optional
        Where it is known already.
    decimal : {"", ".", ","}
        The decimal sign, where it is known.
    usual : {"", ".", ","}
        The decimal sign where the file does not tell.
    names : sequence of str
        Names of columns that are expected: a first row that has them is a header, whatever else it looks like.

    Raises
    ------
    InputError
        If the file is missing, empty, packed or no text, has a header and no rows, or numbers of which the decimal
        sign cannot be known.
    """
    name = os.fspath(path)
    data, packed, whole = _sample(path, name)
    encoding = encoding or _encoding(data, name, whole)
    text = _decoded(data, encoding, name)
    old_mac = "\r" in text and "\n" not in text
    text = text.replace("\r", "\n") if old_mac else text
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    return _found(text, Dialect(name, packed, encoding, old_mac), decimal, usual, whole, names)


def _sample(path: str | os.PathLike[str], name: str) -> tuple[bytes, bool, bool]:
    """The file's first bytes, whether it is gzipped, and whether they are all of it."""
    with open_file(path) as file:
        try:
            start = file.read(8)
            for magic, what in _PACKED.items():
                if start.startswith(magic):
                    sheets = (
                        " or an Excel workbook: save it as CSV"
                        if "zip " in what
                        else ": unpack it first"
                    )
                    raise InputError(f"{name} is {what}{sheets}, or give .csv, .csv.gz or .parquet")
            file.seek(0)
            packed = start[:2] == b"\x1f\x8b"
            stream: Any = gzip.GzipFile(fileobj=file) if packed else file
            data = stream.read(_SAMPLE + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{name} cannot be unpacked: {one_line(error)}") from None
    return data[:_SAMPLE], packed, len(data) <= _SAMPLE


def _encoding(data: bytes, name: str, whole: bool) -> str:
    for bom, encoding in _MARKS.items():
        if data.startswith(bom):
            return encoding
    # UTF-16 without a mark: every second byte of western text is zero
    head = data[:4096]
    if head.count(0) > len(head) // 4:
        odd, even = head[1::2].count(0), head[::2].count(0)
        if max(odd, even) > 4 * min(odd, even):
            return "utf-16-le" if odd > even else "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, whole)
    except UnicodeDecodeError:
        return _WINDOWS
    return "utf-8"


def _decoded(data: bytes, encoding: str, name: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)().decode(data)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{name}, row {data.count(10, 0, error.start) + 1}: not text (is this a table?): it is neither UTF-8 nor "
            "UTF-16 nor Windows-1252"
        ) from None


def _found(
    text: str, start: Dialect, decimal: str, usual: str, whole: bool, known: Sequence[str]
) -> Dialect:
    name = start.name
    notes: list[str] = []
    if "\0" in text:
        raise not_text(name, text.count("\n", 0, text.index("\0")) + 1)
    lines = text.splitlines(keepends=True)
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise InputError(f"{name} is empty: it has no rows")
    declared = ""
    if match := re.fullmatch(r'"?sep=(.)"?\s*', lines[first], re.IGNORECASE):
        declared, lines[first] = match[1], "\n"
        if declared not in _NAMES:
            raise InputError(
                f"{name}: sep={declared!r} is no delimiter: give one of , ; | or a tab"
            )
    comments = _has_comments([line for line in lines[:_ROWS] if line.strip()])
    commented = [(i, line) for i, line in enumerate(lines, 1) if comments and line.startswith("#")]
    body = (
        "".join("\n" if line.startswith("#") else line for line in lines)
        if comments
        else "".join(lines)
    )
    delimiter = declared or _delimiter(body, name, whole)
    rows = split_rows(body, delimiter, name, whole, _MORE_ROWS)
    if not rows:
        raise InputError(f"{name} is empty: it has no rows")
    if comments:
        notes.append("lines that begin with # are comments")
    width, rows = _without_titles(rows, notes)
    header, rest = _header(rows, width, notes, known)
    if not header and commented:
        header = _commented_header(commented, delimiter, width, rows[0][0], notes)
    if header and not rest:
        raise InputError(f"{name} has a header and no rows below it")
    skip = (
        rows[len(rows) - len(rest) - 1][0]
        if len(rest) < len(rows)
        else _line_before(body, rest[0], delimiter)
    )
    columns, width = _names(header, width, rest, notes)
    spaces = f"{delimiter} " in body and '"' in body
    numbers = _number_format(rest, width, delimiter, decimal, usual, name)
    return Dialect(
        name, start.packed, start.encoding, start.old_mac, delimiter, skip, rows[0][0], columns, width, comments,
        spaces, numbers, tuple(notes),
    )  # fmt: skip


def _has_comments(lines: list[str]) -> bool:
    """Whether lines that begin with # are comments: the first does, and most are others.

    Else they are rows, as of colours.
    """
    begins = [line.startswith("#") for line in lines]
    return bool(begins) and begins[0] and 2 * sum(begins) < len(begins) + 4 and not all(begins)


def _line_before(body: str, row: Row, delimiter: str) -> int:
    """The number of lines above a row; it may have line breaks in its cells."""
    breaks = sum(cell.count("\n") for cell in row[1])
    return row[0] - 1 - breaks


def _delimiter(text: str, name: str, whole: bool) -> str:
    """The delimiter by which most rows have the same number of cells."""
    best, delimiter, error = 0.0, "", None
    for candidate in _DELIMITERS:
        if candidate not in text:
            continue
        try:
            rows = split_rows(text, candidate, name, whole, _ROWS)
        except InputError as found:
            error = error or (found if candidate == "," else None)
            continue
        widths = Counter(len(cells) for _, cells in rows)
        same = max((count for width, count in widths.items() if width > 1), default=0)
        if same > best * len(rows):
            best, delimiter = same / len(rows), candidate
    if error is not None and not delimiter:
        raise error
    if best >= 0.5 or (best and not _spaced(text)):
        return delimiter
    return " " if _spaced(text) else ","


def _spaced(text: str) -> bool:
    """Whether rows are words between spaces: all equally many, most of them numbers."""
    rows = [split_spaces(line) for line in text.splitlines()[:_ROWS] if line.strip()]
    width = len(rows[-1]) if rows else 0
    if width < 2 or any(len(row) != width for row in rows[1:]):
        return False
    cells = [cell for row in rows[1:] or rows for cell in row]
    return 2 * sum(map(is_number, cells)) >= len(cells)


def _without_titles(rows: list[Row], notes: list[str]) -> tuple[int, list[Row]]:
    """The usual width of rows, and the rows without lines of title above them."""
    widths = Counter(len(cells) for _, cells in rows)
    width = max(widths, key=lambda w: widths[w])
    title: list[Row] = []
    for i, (_, row) in enumerate(rows[:_MOST_TITLES]):
        cells = [cell for cell in row if cell.strip()]
        full = len(row) == width > 2 and len(cells) <= 1
        short = len(row) < width - 1 or (len(row) < width and width == 2)
        if any(map(is_number, cells)):
            break
        if not full and not (short and len(cells) <= max(1, width // 3)):
            title, rows = rows[:i], rows[i:]
            break
    title = [row for row in title if any(cell.strip() for cell in row[1])]
    if title:
        notes.append(
            f"{counted(len(title), 'line')} of title above it: {shown(' '.join(title[0][1]).strip(), 40)}"
        )
    return width, rows


def _header(
    rows: list[Row], width: int, notes: list[str], known: Sequence[str]
) -> tuple[list[str], list[Row]]:
    """The names of the columns, which are empty without a header, and the rows below."""
    first, rest = rows[0][1], rows[1:]
    sample = [cells for _, cells in rest[:_ROWS]]
    if not _has_names(first, sample, known) and not _is_header(first, sample):
        return [], rows
    header = [" ".join(cell.split()) for cell in first]
    if len(rest) > 1 and len(first) == width == len(rest[0][1]):
        second = rest[0][1]
        below = [cells for _, cells in rest[1:_ROWS] if len(cells) == width]
        if _is_second_header(second, below):
            notes.append(f"a second line of header in line {rest[0][0]}")
            return _joined(header, second), rest[1:]
    return header, rest


def _has_names(first: list[str], below: list[list[str]], known: Sequence[str]) -> bool:
    """Whether the first row has most of the names that are known, which are not cells of their columns, too."""
    names = [" ".join(cell.split()) for cell in first]
    found = [names.index(name) for name in known if name in names]
    again = [i for i in found if any(i < len(row) and row[i].strip() == names[i] for row in below)]
    return bool(found) and 2 * (len(found) - len(again)) > len(known)


def _is_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row names the columns.

    A row of measurements ending in a text label is data, so one text cell is not enough. pandas
    numbers columns that have no name: "0,1,2,target" is a header above a row with a number
    where it has a word. So is a row in which no fewer words stand above columns of numbers alone than there are
    numbers, all of them whole. Years are names where nothing else tells. Words that come again in their columns
    are data.
    """
    cells = [cell for cell in first if cell.strip()]
    numeric = [is_number(cell) for cell in cells]
    if not any(numeric):
        columns = [{row[i].strip() for row in below if i < len(row)} for i in range(len(first))]
        again = sum(
            cell.strip() in column
            for cell, column in zip(first, columns, strict=True)
            if cell.strip()
        )
        return 2 * again < len(cells) or not cells
    if all(numeric):
        return False
    second = below[0] if below else []
    counts = all(cell.strip() == str(i) for i, cell in enumerate(first) if is_number(cell))
    pairs = list(zip(first, second, strict=False))
    if counts and any(
        not is_number(cell) and is_number(other) for cell, other in pairs if cell.strip()
    ):
        return True
    years = [cell.strip() for cell in cells if is_number(cell)]
    above = sum(_above_numbers(cell, i, below) for i, cell in enumerate(first))
    if above >= len(years) and all(year.isdecimal() for year in years):
        return True
    others = [other.strip() for cell, other in pairs if is_number(cell)]
    return (
        len(years) > 2
        and _consecutive(years)
        and (1500 < int(years[0]) < 2200 or not _consecutive(others))
    )


def _above_numbers(cell: str, i: int, below: list[list[str]]) -> bool:
    """Whether a cell of the first row is a word, and all others of its column are numbers, two or more."""
    if is_missing(cell) or is_number(cell):
        return False
    column = [row[i] for row in below if i < len(row) and not is_missing(row[i])]
    return len(column) > 1 and all(map(is_number, column))


def _consecutive(cells: list[str]) -> bool:
    return all(cell.isdecimal() and len(cell) < 10 for cell in cells) and all(
        int(b) == int(a) + 1 for a, b in itertools.pairwise(cells)
    )


def _is_second_header(second: list[str], below: list[list[str]]) -> bool:
    """Whether a row goes on with the header: it has words above every column of numbers."""
    if not below or any(map(is_number, second)):
        return False
    numeric = [
        i for i in range(len(second)) if sum(is_number(row[i]) for row in below) > 0.6 * len(below)
    ]
    words = [i for i in numeric if not is_missing(second[i])]
    return len(words) > 0.5 * len(numeric)


def _joined(header: list[str], second: list[str]) -> list[str]:
    """Names of two lines; an empty cell of the first line belongs to the group that the cell left of it begins."""
    group, names = "", []
    for above, below in zip(header, second, strict=True):
        group = above or group
        names.append(" ".join((above or group, *below.split())).strip())
    return names


def _commented_header(
    commented: list[tuple[int, str]], delimiter: str, width: int, first: int, notes: list[str]
) -> list[str]:
    """The names in the last comment above the rows, where it has as many as a row has cells."""
    above = [line for number, line in commented if number < first]
    if not above or width < 2:
        return []
    text = above[-1].lstrip("#").strip("\r\n")
    cells = (
        split_spaces(text) if delimiter == " " else [cell.strip() for cell in text.split(delimiter)]
    )
    if len(cells) != width or any(is_number(cell) or not cell for cell in cells):
        return []
    notes.append("the last comment above the rows names the columns")
    return cells


def _names(
    header: list[str], width: int, rest: list[Row], notes: list[str]
) -> tuple[tuple[str, ...], int]:
    """The columns' names, and how many cells a row has."""
    if not header:
        return (), width
    if len(header) == width - 1:
        full = [cells for _, cells in rest if len(cells) == width]
        if all(not cells[-1].strip() for cells in full):
            return (*header, ""), width
        notes.append("the first column has no name: rows have one cell more than the header")
        return ("", *header), width
    return tuple(header), len(header)


def _number_format(
    rest: list[Row], width: int, delimiter: str, decimal: str, usual: str, name: str
) -> NumberFormat:
    if decimal:
        return NumberFormat(decimal)
    # there is no comma in a cell, and points are decimal points
    if delimiter == "," and not any("," in cell for _, cells in rest for cell in cells):
        return NumberFormat()
    full = [cells for _, cells in rest if len(cells) == width]
    found = evidence([row[i] for row in full] for i in range(width))
    if found.comma and found.point:
        raise InputError(
            f"{name} has numbers with a decimal comma, {found.comma}, and with a decimal point, {found.point}: say "
            "which it is by --decimal , or --decimal ."
        )
    unclear = found.either_comma if delimiter != "," else ""
    if delimiter == ";" and not unclear:
        unclear = found.either_point
    # a decimal comma stands in quotes there
    if delimiter == "," and not (found.comma or found.either_comma):
        return NumberFormat()
    if not (found.comma or found.point) and usual:
        return NumberFormat(usual)
    if unclear and not (found.comma or found.point):
        raise InputError(
            f"{name}: {unclear} may have a decimal sign or a sign between thousands in it, and no other number tells: "
            "give --decimal , or --decimal ."
        )
    return NumberFormat("," if found.comma else ".")
