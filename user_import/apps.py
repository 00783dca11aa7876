from django.apps import AppConfig


class UserImportConfig(AppConfig):
    name = "user_import"
    verbose_name = "Import of users"
