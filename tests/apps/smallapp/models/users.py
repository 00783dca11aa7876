from typing import Any

from django.conf import settings
from django.db import models


def user_key(**options: Any) -> Any:
    """Return a foreign key to a user, indexed by default."""
    return models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", **options)


def owner_key(**options: Any) -> Any:
    """Return a foreign key to a user without its own index, because a unique key starts with the column."""
    return user_key(db_index=False, **options)
