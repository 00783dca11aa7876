from django.apps import AppConfig


class TransfersConfig(AppConfig):
    name = "transfers"
    verbose_name = "User Data Transfer"

    def ready(self) -> None:
        from transfers import checks, sign_ins  # noqa: F401  (checks registers itself)
        from transfers.engine import catalog_check  # noqa: F401

        sign_ins.connect()
