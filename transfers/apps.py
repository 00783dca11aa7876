from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        from transfers import checks  # noqa: F401  (registers the system checks)
        from transfers.engine import catalog_check  # noqa: F401
