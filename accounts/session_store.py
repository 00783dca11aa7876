"""The engine of the sessions (SESSION_ENGINE): Django's own, in the database, but for what it says of a failure."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError


class SessionStore(db.SessionStore):
    def save(self, must_create: bool = False) -> None:
        """Django takes each error of the database for a session that somebody has ended, and tells people so (400).

        Only a session that is not there any more is one; of a database that may only be read, or is away, the page for
        that is to speak.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            cause = error.__context__
            if cause is not None and cause.__cause__ is not None:  # the driver's own error
                raise cause from cause.__cause__
            raise
