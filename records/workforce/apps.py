from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    name = "records.workforce"
    label = "workforce"
    verbose_name = "Classic WFM"
