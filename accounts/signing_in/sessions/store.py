"""SESSION_ENGINE: Django's database sessions with accurate error reporting."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError


class SessionStore(db.SessionStore):
    def save(self, must_create: bool = False) -> None:
        """Raise database errors as they are.

        Django reports every database error as a deleted session (400). A database that is read-only or unavailable
        has an error page of its own; only a missing session stays an `UpdateError`.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if cause is not None and cause.__cause__ is not None:  # the driver's own error
                raise cause from cause.__cause__
            raise
