"""Lines of text split into cells, and what is said of lines that cannot be."""

from __future__ import annotations

import csv
import io
import itertools
import re

from ...errors import InputError, one_line


def not_text(name: str, line: int) -> InputError:
    """The error for a file with NUL bytes in it."""
    return InputError(f"{name}, row {line}: a NUL byte: not a text file (is this a table?)")


Row = tuple[int, list[str]]


def split_rows(text: str, delimiter: str, name: str, whole: bool, most: int) -> list[Row]:
    """The first rows of a text that are not blank, each with the line at which it ends.

    Parameters
    ----------
    text : str
    delimiter : str
    name : str
        Of the file, for messages.
    whole : bool
        Whether the text is all of the file.
    most : int
        How many rows at most.

    Raises
    ------
    InputError
        For a quotation that is malformed or does not end.
    """
    if delimiter == " ":
        lines = enumerate(text.splitlines(), 1)
        return [
            (i, split_spaces(line)) for i, line in itertools.islice(lines, most) if line.strip()
        ]
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    rows: list[Row] = []
    try:
        for cells in itertools.islice(reader, most):
            if len(cells) > 1 or any(cell.strip() for cell in cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        # a sample may end within a quotation
        if whole or "unexpected end" not in str(error):
            raise malformed(name, reader.line_num, error) from None
    return rows


def split_spaces(line: str) -> list[str]:
    """The words of a line, those in quotation marks as one.

    Examples
    --------
    >>> split_spaces(' 1  "two words" 3')
    ['1', 'two words', '3']
    """
    if '"' not in line:
        return line.split()
    return [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', line)]


def malformed(name: str, line: int, error: Exception) -> InputError:
    """The error for a row that is no CSV."""
    return InputError(f"{name}, row {line}: malformed CSV: {one_line(error)}")
