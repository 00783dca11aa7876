from django.apps import AppConfig


class SmallAppConfig(AppConfig):
    name = "tests.apps.smallapp"
    verbose_name = "Small Tables"
    default_auto_field = "django.db.models.BigAutoField"
