"""How gunicorn serves the site; it finds this file by itself in the folder it is started in.

The access log is off, as is gunicorn's habit; `--access-logfile -` turns it on. It then has the path without the
query and without the address of the page before: both may hold the name that somebody searched for.
"""

access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(B)s %(M)sms'
