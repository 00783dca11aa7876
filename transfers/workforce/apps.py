from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    name = "transfers.workforce"
    label = "workforce"
    verbose_name = "Classic WFM"
