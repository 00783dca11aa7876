"""gunicorn's configuration, read from the working directory. Command line options take precedence.

The access log is off by default; `--access-logfile -` turns it on. It omits the query string and the referrer, because
both may contain searched names.
"""

import contextlib
import logging
import os
import re
import socket
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

from gunicorn import util
from gunicorn.glogging import Logger
from gunicorn.http.errors import NoMoreData
from gunicorn.workers.gthread import ThreadWorker
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
    """Removes user input from log records: gunicorn logs the full URL of a failed request, and its traceback.

    Drops the records of connections that were closed because nothing arrived for SILENCE seconds.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], BlockingIOError):
            return False
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


# Limits of requests that are being read. docs/decisions/slow-clients.md has the reasons.
READERS = 256  # threads that only read; gunicorn adds one when all others are busy
SILENCE = 15  # seconds without a byte, in either direction, after which a connection is closed
READ_SECONDS = 300  # for a whole request: 25 MB with 0.7 Mbit/s
STEP = 64 * 1024
LARGEST_BODY = 30 * 1024 * 1024  # an upload of 25 MB, and its form
MOST_BUFFERED = 512 * 1024 * 1024  # bodies of all requests of this process


class BodyRefused(Exception):
    """The body is too large, or too many others are being read."""


class ReadingWorker(ThreadWorker):
    """gunicorn's threads, with more of them for reading requests than for answering them.

    A request is read completely before one of the `threads` takes it, so that clients that send slowly, or stop in the
    middle, do not keep others from being answered. A thread that only reads uses no database connection.
    """

    def get_thread_pool(self) -> ThreadPoolExecutor:
        self.pages = ThreadPoolExecutor(self.cfg.threads, thread_name_prefix="page")
        self.lock, self.buffered = threading.Lock(), 0
        self.reading: dict[Any, float] = {}  # connection → time when its request must have arrived
        return ThreadPoolExecutor(READERS, thread_name_prefix="reader")

    def handle(self, conn: Any) -> Any:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            conn.sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", SILENCE, 0))
        self.reading[conn] = time.monotonic() + READ_SECONDS
        try:
            return super().handle(conn)
        finally:
            self.reading.pop(conn, None)

    def murder_pending(self) -> None:
        """Also end requests that arrive too slowly; called by gunicorn about once a second."""
        super().murder_pending()
        late = [conn for conn, end in list(self.reading.items()) if end < time.monotonic()]
        for conn in late:
            with contextlib.suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)  # its thread reads the end of the request

    def handle_request(self, req: Any, conn: Any) -> Any:
        conn.buffered = 0
        try:
            req.body = self.read_body(req, conn)
            self.reading.pop(conn, None)
            return self.pages.submit(super().handle_request, req, conn).result()
        except BodyRefused as refused:
            util.write_error(conn.sock, *refused.args)
            return False
        finally:
            self.count(conn, -conn.buffered)
            req.body = BytesIO()  # what no page has read does not have to be read before the next request

    def read_body(self, req: Any, conn: Any) -> BytesIO:
        if req._expected_100_continue:
            conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            req._expected_100_continue = False
        body, length = BytesIO(), int(dict(req.headers).get("CONTENT-LENGTH", 0))
        while data := req.body.read(STEP):
            body.write(data)
            if self.count(conn, len(data)) > MOST_BUFFERED:
                raise BodyRefused(
                    503, "Service Unavailable", "Too many uploads at once. Try again in a minute."
                )
            if body.tell() > LARGEST_BODY:
                raise BodyRefused(
                    413, "Content Too Large", "The file is larger than 25 MB. Nothing was uploaded."
                )
        if body.tell() < length:
            raise NoMoreData(b"")  # the client closed the connection, or was too slow
        body.seek(0)
        return body

    def count(self, conn: Any, size: int) -> int:
        """Count bytes of the connection's request, and return how many are buffered for all requests."""
        with self.lock:
            conn.buffered += size
            self.buffered += size
            return self.buffered


wsgi_app = "transfer_site.wsgi:application"
# This machine only, unless WEB_BIND says otherwise, as the image does: with TRUST_PROXY=1, clients that reach the port
# could forge their address.
bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))  # a thread holds at most one connection to the database
worker_class = ReadingWorker
# Neither the path nor the scheme comes from a header, whoever sends it. TRUST_PROXY decides about X-Forwarded-Proto.
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
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
