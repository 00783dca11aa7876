from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        # Importing these registers the system checks and declares row-level security for this app's tables.
        from transfers import row_security  # noqa: F401
        from transfers.checks import database, declarations  # noqa: F401
