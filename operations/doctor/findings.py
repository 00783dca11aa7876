"""What the doctor says of each thing it looked at."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    OK = "ok"
    WARNING = "look"
    WRONG = "WRONG"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, and what to do about it where it is not as it should be."""

    level: Level
    what: str
    says: str
    do: str = ""


def ok(what: str, says: str) -> Finding:
    return Finding(Level.OK, what, says)


def look(what: str, says: str, do: str) -> Finding:
    """Works, and may be better."""
    return Finding(Level.WARNING, what, says, do)


def wrong(what: str, says: str, do: str) -> Finding:
    """Does not work, or is not safe."""
    return Finding(Level.WRONG, what, says, do)
