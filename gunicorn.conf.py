"""How gunicorn serves the site; it finds this file by itself in the folder it is started in, and the command line wins.

The access log is off, as is gunicorn's habit; `--access-logfile -` turns it on. It then has the path without the
query and without the address of the page before: both may hold the name that somebody searched for.
"""

import logging
import os
import re
from typing import Any

from gunicorn.glogging import Logger
from pythonjsonlogger.json import JsonFormatter

# As operations/logs.py has it. Nothing of the site is imported here: the first process lives on while a new release is
# put in place, and those that it makes then would have some modules of the old one and the others of the new.
ONE_JSON_OBJECT = JsonFormatter(
    "%(asctime)s %(levelname)s %(name)s %(message)s",
    rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
    timestamp=False,
)
# What somebody searched for, what PostgreSQL quotes of a row, and what gunicorn quotes of a request it cannot read.
QUERY_OR_ROW = re.compile(r"\?\S*|(?<=DETAIL:).*|(?<=CONTEXT:).*")
QUOTED = re.compile(r"(Invalid request from .*?: .*?: ).*")


class WithoutTyped(logging.Filter):
    """gunicorn names the address of a request that went wrong, with its query, and has the traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = QUOTED.sub(r"\1…", QUERY_OR_ROW.sub("", record.getMessage())), ()
        if record.exc_info:
            record.exc_text = QUERY_OR_ROW.sub("", logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


class OwnLines(Logger):
    """What gunicorn itself has to say, as LOG_FORMAT asks for it."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in (*self.error_log.handlers, *self.access_log.handlers):
            handler.addFilter(WithoutTyped())
            if os.environ.get("LOG_FORMAT") == "json":
                handler.setFormatter(ONE_JSON_OBJECT)


wsgi_app = "transfer_site.wsgi:application"
bind = os.environ.get("WEB_BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))  # a thread holds at most one connection to the database
worker_class = "gthread"
timeout = 60
graceful_timeout = 30  # an upload in hand is finished before an old process goes
worker_tmp_dir = "/dev/shm"  # noqa: S108  # nosec B108  a sign of life is written there; a disk would make workers wait
control_socket_disable = True
# A process is replaced after so many requests, not all of them at once, so that no leak of a library adds up.
max_requests = 20_000
max_requests_jitter = 2_000
logger_class = OwnLines
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'
