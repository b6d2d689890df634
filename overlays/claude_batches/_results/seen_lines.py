"""Lines that were returned already, so that none is returned again when a file is read again.

A line takes 12 bytes: a 64-bit hash of its custom_id, and a 32-bit hash of its bytes. The hashes are those of this
process; nothing is stored.
"""

from __future__ import annotations

from array import array

from .errors import ResultsChangedError
from .line import NotAResultError, parse

__all__ = ["Retrace", "SeenLines"]

#: Number of ids compared for duplicates at a time.
IDS_AT_ONCE = 65_536


class SeenLines:
    """The returned lines in order.

    A reader calls `note(lines)` for all lines of a chunk before it returns the first, and `add_id(hash(custom_id))` for
    each line that it returns. A bad line that names no custom_id is not a result: see `add_bad`.
    """

    __slots__ = ("_bad", "add_id", "checks", "ids")

    def __init__(self) -> None:
        self.ids = array("q")
        self.checks = array("I")
        self.add_id = self.ids.append
        # Positions of lines that are not results. They never count as such.
        self._bad: set[int] = set()

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.ids)

    @property
    def results(self) -> int:
        """Number of lines that are results, or stand for the result whose custom_id they name."""
        return len(self.ids) - len(self._bad)

    def add_bad(self, line: bytes, custom_id: str | None) -> None:
        """Add a skipped line."""
        if custom_id is None:
            self._bad.add(len(self.ids))
            self.ids.append(hash(line))
        else:
            self.ids.append(hash(custom_id))

    def note(self, lines: list[bytes]) -> None:
        """Remember the bytes of lines that are about to be returned."""
        self.checks.frombytes(_checks(lines))

    def trim(self) -> bool:
        """Forget lines that were noted and not returned. Return true if there were any."""
        surplus = len(self.checks) > len(self.ids)
        del self.checks[len(self.ids) :]
        return surplus

    def distinct(self) -> int:
        """Return the number of different custom_ids."""
        # A set takes six times the memory of the array, so it holds a part of the ids at a time.
        parts = len(self.ids) // IDS_AT_ONCE + 1
        bad = self._bad
        ids = self.ids
        if bad:
            ids = array("q", (key for position, key in enumerate(ids) if position not in bad))
        return sum(len({key for key in ids if key % parts == part}) for part in range(parts))


class Retrace:
    """Passes over returned lines in one reading from the start of the file.

    While the bytes agree, lines are compared by position. From the first different line on the file has another order,
    and lines are compared by custom_id.
    """

    def __init__(self, seen: SeenLines) -> None:
        self._seen = seen
        # New lines are added to `seen` while the file is read; they follow the known part.
        self._known = len(seen)
        self._position = 0
        self._unmet: dict[int, set[int]] | None = None
        self._returned: dict[int, set[int]] = {}

    def skip_all(self) -> None:
        """Treat all returned lines as passed: the next line follows them."""
        self._position = self._known

    def unseen(self, lines: list[bytes]) -> list[bytes]:
        """Return the lines that were not returned yet.

        Args:
            lines: The next lines of the file.

        Raises:
            ResultsChangedError: The result of a custom_id differs from the returned one.
        """
        if self._unmet is None:
            if self._position == self._known:
                return lines
            again = lines[: self._known - self._position]
            checks = array("I", _checks(again))
            known = self._seen.checks[self._position : self._position + len(again)]
            if checks == known:
                self._position += len(again)
                return lines[len(again) :]
            agree = next(index for index, check in enumerate(checks) if check != known[index])
            self._position += agree
            lines = lines[agree:]
            self._reorder()
        return [line for line in lines if not self._met(line)]

    def finish(self) -> None:
        """Check at the end of the file that it contains all returned lines.

        Raises:
            ResultsChangedError: A line is missing.
        """
        missing = sum(len(checks) for checks in (self._unmet or {}).values())
        if missing:
            raise ResultsChangedError(f"{missing} of {self._known} returned results are missing from it now")

    def _reorder(self) -> None:
        """Index the returned lines by custom_id."""
        self._unmet = {}
        for position in range(self._known):
            key, check = self._seen.ids[position], self._seen.checks[position]
            self._returned.setdefault(key, set()).add(check)
            if position >= self._position:
                self._unmet.setdefault(key, set()).add(check)

    def _met(self, line: bytes) -> bool:
        assert self._unmet is not None
        custom_id: str | None
        try:
            custom_id = parse(line)["custom_id"]
            key = hash(custom_id)
        except NotAResultError:
            custom_id, key = None, hash(line)
        (check,) = array("I", _checks([line]))
        returned = self._returned.get(key)
        if returned is None:
            return False
        if check not in returned:
            raise ResultsChangedError(f"the result of custom_id {custom_id!r} has changed", custom_id)
        self._unmet.get(key, set()).discard(check)
        return True


def _checks(lines: list[bytes]) -> bytes:
    """Return half of the 64-bit hash of each line, as in an array of 32-bit integers."""
    return memoryview(array("q", map(hash, lines))).cast("B").cast("I")[::2].tobytes()
