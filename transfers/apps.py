from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        from transfers import audit_of_accounts, checks  # noqa: F401  (hears of changes; registers the system checks)
        from transfers.engine import catalog_check  # noqa: F401
