from django.apps import AppConfig


class ExampleAppConfig(AppConfig):
    name = "tests.apps.exampleapp"
    verbose_name = "Our building"
    default_auto_field = "django.db.models.BigAutoField"
