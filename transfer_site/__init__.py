"""The site: settings, processes, and the embedded servers."""

from transfer_site.celery import app as celery_app

__all__ = ["celery_app"]
