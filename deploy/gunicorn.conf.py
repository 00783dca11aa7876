"""How gunicorn serves the site; every value can be changed by an environment variable or on the command line."""

import os

wsgi_app = "transfer_site.wsgi:application"
bind = os.environ.get("WEB_BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "4"))  # a thread holds at most one connection to the database
worker_class = "gthread"
timeout = 60
graceful_timeout = 30  # an upload in hand is finished before an old process goes
worker_tmp_dir = "/dev/shm"  # noqa: S108  a sign of life is written there; a disk would make workers wait
control_socket_disable = True
# A process is replaced after so many requests, not all of them at once, so that no leak of a library adds up.
max_requests = 20_000
max_requests_jitter = 2_000
