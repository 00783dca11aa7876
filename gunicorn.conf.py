"""How gunicorn serves the site; it finds this file by itself in the folder it is started in, and the command line wins.

The access log is off, as is gunicorn's habit; `--access-logfile -` turns it on. It then has the path without the
query and without the address of the page before: both may hold the name that somebody searched for.
"""

import os

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
logger_class = "transfer_site.gunicorn_logs.Lines"
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'
