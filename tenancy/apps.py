from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TenancyConfig(AppConfig):
    name = "tenancy"
    verbose_name = "Tenancy"

    def ready(self) -> None:
        # Importing these registers the system checks and declares row-level security for this app's tables.
        from tenancy import checks, database_roles, row_security  # noqa: F401

        post_migrate.connect(database_roles.apply_row_level_security, sender=self)
