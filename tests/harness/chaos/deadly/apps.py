import os
import signal
from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from psycopg.errors import Diagnostic

DEADLY = "this row kills its reader"


class Deadly(AppConfig):
    name = "tests.harness.chaos.deadly"

    def ready(self) -> None:
        connection_created.connect(listen, dispatch_uid=DEADLY)


def listen(connection: Any, **kwargs: object) -> None:
    connection.connection.add_notice_handler(die)


def die(notice: Diagnostic) -> None:
    if notice.message_primary == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
