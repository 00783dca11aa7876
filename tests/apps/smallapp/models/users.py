from typing import Any

from django.conf import settings
from django.db import models


def user_key(**options: Any) -> Any:
    """A column that points to a user; indexed unless told otherwise."""
    return models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", **options)


def owner_key(**options: Any) -> Any:
    """The same where a unique key leads with it already."""
    return user_key(db_index=False, **options)
