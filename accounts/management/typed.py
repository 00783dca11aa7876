"""What somebody types on the command line of the server, held to the same rules as what is sent by a page."""

import sys
from getpass import getpass

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.forms_people import text
from accounts.models import User

NOTHING = "Nothing was changed."
LONGEST_NAME = 200


def cleaned(what: str, field: forms.Field, typed: str) -> str:
    """Raises `CommandError`."""
    try:
        return str(field.clean(typed))
    except ValidationError as error:
        raise refused(what, error) from error


def name_of(what: str, typed: str) -> str:
    """Of a tenant or a team."""
    return cleaned(what, text("Name", LONGEST_NAME, required=True), typed)


def new_password(user: User) -> str:
    """Asked for twice at a terminal, without showing it; else the first line that is sent. Raises `CommandError`."""
    try:
        password = asked() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        password.encode()
    except UnicodeError as error:
        raise CommandError(f"The password is not text in UTF-8. {NOTHING}") from error
    except (EOFError, KeyboardInterrupt) as error:
        raise CommandError(f"\n{NOTHING}") from error
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise refused("The password", error) from error
    return password


def asked() -> str:
    first = getpass("Password: ")
    if getpass("The same again: ") != first:
        raise CommandError(f"The two passwords are not the same. {NOTHING}")
    return first


def refused(what: str, error: ValidationError) -> CommandError:
    return CommandError(f"{what}: {' '.join(error.messages)} {NOTHING}")
