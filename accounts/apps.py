from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts import checks, lock_out, sessions  # noqa: F401  (checks registers itself)

        sessions.connect()
        lock_out.connect()
