"""gunicorn's own lines (it started, a process was replaced, who asked for what), written like all others."""

import os
from logging.config import DictConfigurator

from gunicorn.config import Config
from gunicorn.glogging import Logger

from transfer_site.logs import FORMATTERS, known_format


class Lines(Logger):
    """`logger_class` of gunicorn. Its first process never reads Django's settings, and with them LOGGING."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        name = known_format(os.environ.get("LOG_FORMAT", "line"))
        formatter = DictConfigurator({}).configure_formatter(dict(FORMATTERS[name]))
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.setFormatter(formatter)
