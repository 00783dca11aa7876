"""Generate rows of users: names from many countries, with user names and emails in formats that organisations use."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX

from demo.names import ORIGINS, PLAIN
from demo.records.draw import Draw

INACTIVE = 0.12
WITHOUT_EMAIL = 0.07
WITHOUT_TEAM = 0.02
LOGIN_IS_EMAIL = 0.4
Row = dict[str, Any]


@dataclass
class Register:
    """Generates unique user names and emails of one domain. All tenants share `taken`, the names in use."""

    domain: str
    taken: set[str]

    def login(self, first: str, last: str) -> str:
        """Reserve and return a login such as "ana.diaz", or "ana.diaz2" if that is taken."""
        stem = f"{plain(first)}.{plain(last)}"
        name, number = stem, 1
        while name in self.taken or f"{name}@{self.domain}" in self.taken:
            number += 1
            name = f"{stem}{number}"
        self.taken |= {name, f"{name}@{self.domain}"}
        return name

    def email(self, login: str) -> str:
        return f"{login}@{self.domain}"


def plain(name: str) -> str:
    """Return the name in lower-case ASCII: "Łukasz" becomes "lukasz"."""
    apart = unicodedata.normalize("NFKD", name.lower().translate(PLAIN))
    return "".join(char for char in apart if char.isascii() and char.isalnum())


def agents(draw: Draw, register: Register, teams: Sequence[int], numbers: Iterator[int]) -> Iterator[Row]:
    """For each number, yield the row of a new user. The number becomes part of the employee ID."""
    for number in numbers:
        first, last = name(draw.random)
        yield user(
            draw,
            first_name=first,
            last_name=last,
            login=register.login(first, last),
            register=register,
            employee_id=f"E{100_000 + number}" if draw.chance(0.95) else "",
            team_id=None if draw.chance(WITHOUT_TEAM) else draw.pick(teams),
            is_active=not draw.chance(INACTIVE),
        )


def name(random: Random) -> tuple[str, str]:
    firsts, lasts = (words.split(" ") for words in random.choice(ORIGINS))  # nosec B311
    last = random.choice(lasts)  # nosec B311
    if random.random() < 0.12:  # nosec B311
        last = f"{last} {random.choice(lasts)}"  # nosec B311
    return random.choice(firsts), last.replace("_", " ")  # nosec B311


def user(draw: Draw, *, login: str, register: Register, **facts: Any) -> Row:
    """Return the row of a user who has no password. `facts` are values of further columns.

    The user name is the login or, as in some organisations, the email.
    """
    email = register.email(login)
    by_email = draw.chance(LOGIN_IS_EMAIL)
    without = not by_email and draw.chance(WITHOUT_EMAIL)
    made = draw.midnight - timedelta(days=draw.below(2000) + 1)
    row = {
        "tenant_id": draw.tenant_id,
        "username": email if by_email else login,
        "email": "" if without else email,
        "password": UNUSABLE_PASSWORD_PREFIX,
        "last_login": None,
        "created_at": made,
        "updated_at": made,
        "employee_id": "",
        "external_id": "",
        "team_id": None,
        "is_active": True,
    }
    return row | facts
