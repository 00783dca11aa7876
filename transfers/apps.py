from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        # audit_of_accounts hears of changes, checks registers the system checks
        from transfers import audit_of_accounts, checks, sign_ins  # noqa: F401
        from transfers.engine import catalog_check  # noqa: F401

        sign_ins.connect()
