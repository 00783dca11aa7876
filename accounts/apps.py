from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # These register the system checks, and say where the tables of this app stand.
        from accounts import (  # noqa: F401
            behind_the_wall,
            checks,
            database_checks,
            database_roles,
            lock_out,
            sessions,
        )

        sessions.connect()
        lock_out.connect()
        post_migrate.connect(database_roles.put_in_place, sender=self)
