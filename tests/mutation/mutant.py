# SPDX-License-Identifier: GPL-2.0-or-later

"""One change of one source file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutant:
    """`source[start:end]` of the file becomes `new`. `where` names the function or table that it is in."""

    path: str
    source: bytes
    start: int
    end: int
    new: bytes
    operator: str
    where: str

    @property
    def changed(self):
        return self.source[: self.start] + self.new + self.source[self.end :]

    @property
    def line(self):
        return self.source.count(b"\n", 0, self.start) + 1

    def _lines(self, text):
        """The lines that the change touches, as one."""
        begin = self.source.rfind(b"\n", 0, self.start) + 1
        end = self.source.find(b"\n", self.end)
        return " ".join((self.source[begin : self.start] + text + self.source[self.end : end]).decode().split())

    def __str__(self):
        """As it is written in equivalent.txt: without a line number, which changes elsewhere would shift."""
        place = f"{self.path} {self.where}".rstrip()
        return f"{place}\n- {self._lines(self.source[self.start : self.end])}\n+ {self._lines(self.new)}"

    @property
    def key(self):
        return hashlib.sha256(str(self).encode()).hexdigest()[:16]
