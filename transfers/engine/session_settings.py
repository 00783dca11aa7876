"""Custom settings that the triggers of other systems read, such as `app.user_id` (TRANSFER_SESSION_SETTINGS)."""

from django.conf import settings
from django.db import connection

SET = "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS given (name, value)"


def apply_session_settings() -> None:
    """Set the custom settings until the end of the transaction, so that batches and previews run with them."""
    given: dict[str, str] = settings.TRANSFER_SESSION_SETTINGS
    if given:
        with connection.cursor() as cursor:
            cursor.execute(SET, [list(given), list(given.values())])
