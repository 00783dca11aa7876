from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        from transfers import checks  # noqa: F401  (registers the system checks)
