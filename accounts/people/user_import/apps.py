from django.apps import AppConfig


class UserImportConfig(AppConfig):
    name = "accounts.people.user_import"
    verbose_name = "Import of users"

    def ready(self) -> None:
        from accounts.people.user_import import row_security  # noqa: F401  (registers the row-level security of this app)
