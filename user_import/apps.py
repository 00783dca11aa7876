from django.apps import AppConfig


class UserImportConfig(AppConfig):
    name = "user_import"
    verbose_name = "Import of users"

    def ready(self) -> None:
        from user_import import behind_the_wall  # noqa: F401  (says where the table of this app stands)
