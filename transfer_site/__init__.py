"""The site: its settings, its processes, and the servers it brings along."""

from transfer_site.celery import app as celery_app

__all__ = ["celery_app"]
