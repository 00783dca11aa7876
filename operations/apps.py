from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"
    verbose_name = "Operations"

    def ready(self) -> None:
        from accounts.scope import stands_above
        from operations import behind_the_wall  # noqa: F401  (says where the tables of this app stand)
        from operations.doors import operators

        # Whoever could change their mail address could sign in as them, and look into every tenant.
        stands_above(operators)
