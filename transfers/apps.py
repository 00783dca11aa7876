from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        # These hear of what accounts reports, register the system checks, and say where the tables of this app stand.
        from transfers import audit_of_accounts, behind_the_wall, checks, sign_ins  # noqa: F401
        from transfers.engine import catalog_check  # noqa: F401

        sign_ins.connect()
