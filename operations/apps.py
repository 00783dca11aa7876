from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from operations import behind_the_wall  # noqa: F401  (says where the tables of this app stand)
