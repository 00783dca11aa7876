from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from accounts.scope import ranks_above_everyone
        from operations import row_security  # noqa: F401  (registers policies)
        from operations.admin.access import operators

        # Otherwise a tenant's administrator could change an operator's email address, reset the password, sign in as
        # the operator, and view all tenants.
        ranks_above_everyone(operators)
