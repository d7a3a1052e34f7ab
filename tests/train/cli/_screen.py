"""A terminal for tests: a pseudo-terminal of some width, and what stands on it in the end."""

from __future__ import annotations

import os
import re
import struct
import subprocess

CODE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


def run(command, folder, environment):
    """All that a command writes on a terminal, and its exit code."""
    import pty  # not on Windows

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    parts = []
    while True:
        try:
            part = os.read(ours, 1 << 16)
        # Linux says so that nobody has the other end any more
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    os.close(ours)
    return b"".join(parts).decode(), process.wait()


def resize(stream, width):
    """Give the terminal of a stream so many columns."""
    import fcntl
    import termios

    fcntl.ioctl(stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))


class Screen:
    """Lines of characters, and a place among them: as much of a terminal as pullback's output asks for.

    Attributes
    ----------
    lines : list of str
        As they stand there now.
    widest : int
        The most characters that a line ever had.
    coloured : bool
        Whether anything was in a colour.
    """

    def __init__(self, text):
        self.lines, self.widest, self.coloured = [""], 0, False
        row = column = at = 0
        while at < len(text):
            code = CODE.match(text, at)
            if code:
                at = code.end()
                number, letter = code.groups()
                steps = int(number) if number.isdigit() else 1
                if letter == "m":
                    self.coloured |= number not in ("", "0")
                elif letter == "A":
                    row = max(row - steps, 0)
                elif letter == "K":
                    assert number == "2", number
                    self.lines[row] = ""
                else:
                    # the cursor is hidden and shown
                    assert (letter, number) in (("l", "?25"), ("h", "?25")), code.group()
                continue
            letter = text[at]
            at += 1
            if letter == "\r":
                column = 0
            elif letter == "\n":
                row += 1
                if row == len(self.lines):
                    self.lines.append("")
            else:
                assert letter.isprintable(), ascii(letter)
                line = self.lines[row].ljust(column)
                self.lines[row] = line[:column] + letter + line[column + 1 :]
                column += 1
                self.widest = max(self.widest, column)
