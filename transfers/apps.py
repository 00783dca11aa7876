from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        # These register the system checks, and say where the tables of this app stand.
        from transfers import behind_the_wall, checks  # noqa: F401
        from transfers.engine import catalog_check  # noqa: F401
