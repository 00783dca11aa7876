from django.apps import AppConfig


class AdoptingConfig(AppConfig):
    name = "adopting"

    def ready(self) -> None:
        from adopting import checks  # noqa: F401  # registers the system checks
