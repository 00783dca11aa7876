"""gunicorn's configuration, read from the working directory. Command line options take precedence.

The access log is off by default; `--access-logfile -` turns it on. It omits query and referrer, because both may hold
searched names.
"""

import logging
import os
import re
from typing import Any

from gunicorn.glogging import Logger
from pythonjsonlogger.json import JsonFormatter

# Same as in operations/monitoring/logs.py. Import nothing of the site here: the master process survives while a new
# release is installed, and workers forked after that would mix modules of both releases.
ONE_JSON_OBJECT = JsonFormatter(
    "%(asctime)s %(levelname)s %(name)s %(message)s",
    rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
    timestamp=False,
)
# Queries, rows quoted by PostgreSQL, and invalid requests quoted by gunicorn.
QUERY_OR_ROW = re.compile(r"\?\S*|(?<=DETAIL:).*|(?<=CONTEXT:).*")
QUOTED = re.compile(r"(Invalid request from .*?: .*?: ).*")


class WithoutUserInput(logging.Filter):
    """Remove user input: gunicorn logs the full URL of a failed request and the traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = QUOTED.sub(r"\1…", QUERY_OR_ROW.sub("", record.getMessage())), ()
        if record.exc_info:
            record.exc_text = QUERY_OR_ROW.sub("", logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


class SiteLogger(Logger):
    """gunicorn's own messages in the format set by LOG_FORMAT."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.addFilter(WithoutUserInput())
            if os.environ.get("LOG_FORMAT") == "json":
                handler.setFormatter(ONE_JSON_OBJECT)


wsgi_app = "transfer_site.wsgi:application"
bind = os.environ.get("WEB_BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))  # a thread holds at most one connection to the database
worker_class = "gthread"
timeout = 60
graceful_timeout = 30  # running uploads are finished before a process exits
worker_tmp_dir = "/dev/shm"  # noqa: S108  # nosec B108  heartbeat files; a disk could block workers
control_socket_disable = True
# Replace processes after this many requests, staggered, so that leaks in libraries do not add up.
max_requests = 20_000
max_requests_jitter = 2_000
logger_class = SiteLogger
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'
