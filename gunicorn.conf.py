"""gunicorn's configuration, read from the working directory. Command line options take precedence.

The access log is off by default; `--access-logfile -` turns it on. It omits the query string and the referrer, because
both may contain searched names.
"""

import logging
import os
import re
from typing import Any

from gunicorn.glogging import Logger
from pythonjsonlogger.json import JsonFormatter

# The same format as in operations/monitoring/logs.py, repeated because this file must not import anything of the site:
# the master process survives the installation of a new release, and workers forked after it would mix modules of both
# releases.
ONE_JSON_OBJECT = JsonFormatter(
    "%(asctime)s %(levelname)s %(name)s %(message)s",
    rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
    timestamp=False,
)
# Query strings, row values quoted by PostgreSQL, and invalid requests quoted by gunicorn.
QUERY_OR_ROW = re.compile(r"\?\S*|(?<=DETAIL:).*|(?<=CONTEXT:).*")
QUOTED = re.compile(r"(Invalid request from .*?: .*?: ).*")


class WithoutUserInput(logging.Filter):
    """Removes user input from log records: gunicorn logs the full URL of a failed request, and its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = QUOTED.sub(r"\1…", QUERY_OR_ROW.sub("", record.getMessage())), ()
        if record.exc_info:
            record.exc_text = QUERY_OR_ROW.sub("", logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


class SiteLogger(Logger):
    """Logs gunicorn's own messages in the format set by LOG_FORMAT, without user input."""

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
graceful_timeout = 30  # seconds for a stopping process to finish its requests, such as uploads
worker_tmp_dir = "/dev/shm"  # noqa: S108  # nosec B108  heartbeat files; a disk could block workers
control_socket_disable = True
# Replace each process after about this many requests, so that memory leaks in libraries do not accumulate. The jitter
# keeps processes from restarting at the same time.
max_requests = 20_000
max_requests_jitter = 2_000
logger_class = SiteLogger
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'
