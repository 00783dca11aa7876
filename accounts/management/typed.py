"""Validation of command line input by the same rules as the forms on the site."""

import sys
from getpass import getpass

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from accounts.models import User
from accounts.people.forms import text

NOTHING = "Nothing was changed."
LONGEST_NAME = 200


def cleaned(what: str, field: forms.Field, typed: str) -> str:
    """Return the cleaned value, or raise a `CommandError` that begins with `what`."""
    try:
        return str(field.clean(typed))
    except ValidationError as error:
        raise refused(what, error) from error


def name_of(what: str, typed: str) -> str:
    """Return the cleaned name of a tenant or a team, or raise `CommandError`."""
    return cleaned(what, text("Name", LONGEST_NAME, required=True), typed)


def new_password(user: User) -> str:
    """Prompt twice for a password, without echo, or read one line from stdin if it is not a terminal.

    Raises `CommandError` if the password is not valid.
    """
    try:
        password = ask_twice() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
        password.encode()
    except UnicodeError as error:
        raise CommandError(f"The password is not in UTF-8. {NOTHING}") from error
    except (EOFError, KeyboardInterrupt) as error:
        raise CommandError(f"\n{NOTHING}") from error
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise refused("The password", error) from error
    return password


def ask_twice() -> str:
    first = getpass("Password: ")
    if getpass("Password (again): ") != first:
        raise CommandError(f"The passwords do not match. {NOTHING}")
    return first


def refused(what: str, error: ValidationError) -> CommandError:
    return CommandError(f"{what}: {' '.join(error.messages)} {NOTHING}")
