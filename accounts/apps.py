from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        # Importing these registers the system checks and declares row-level security for this app's tables.
        from accounts import row_security  # noqa: F401
        from accounts.access import checks  # noqa: F401
        from accounts.signing_in import audit, lock_out
        from accounts.signing_in.sessions import lifetime

        audit.connect()
        lifetime.connect()
        lock_out.connect()
