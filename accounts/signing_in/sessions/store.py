"""The site's SESSION_ENGINE: Django's database sessions with valid keys only and accurate error reporting."""

import re

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError

KEY = re.compile(r"[a-z0-9]{32}", re.ASCII)  # what Django generates


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """Ignore cookies that cannot be keys, such as those with NUL, which PostgreSQL refuses in a query."""
        return bool(key and KEY.fullmatch(key))

    def save(self, must_create: bool = False) -> None:
        """Save the session without hiding database errors.

        Django reports every database error as a deleted session (400), but a database that is read-only or unavailable
        has its own error page. Only a missing session remains an `UpdateError`.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if cause is not None and cause.__cause__ is not None:  # an error of the database driver
                raise cause from cause.__cause__
            raise
