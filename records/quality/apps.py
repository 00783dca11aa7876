from django.apps import AppConfig


class QualityConfig(AppConfig):
    name = "records.quality"
    label = "quality"
    verbose_name = "Quality management"
