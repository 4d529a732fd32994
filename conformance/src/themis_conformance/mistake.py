"""What is wrong with a case, and where."""

from __future__ import annotations

__all__ = ["Mistake"]


class Mistake(Exception):
    """A case is not of the form that CASES.md describes.

    Args:
        complaint: What is wrong.
        path: The path of keys to it, within its case or file.
        place: The file and, where it is in one, the case.
    """

    def __init__(self, complaint: str, path: str = "", place: str = "") -> None:
        super().__init__(complaint, path, place)
        self.complaint = complaint
        self.path = path
        self.place = place

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.complaint) if part)

    def at(self, place: str) -> Mistake:
        """The same, in a file or case, unless it says one already."""
        return self if self.place else Mistake(self.complaint, self.path, place)
