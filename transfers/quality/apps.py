from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "transfers.quality"
    label = "quality"
    verbose_name = "Quality management"
