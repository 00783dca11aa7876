import logging


class OneLineFormatter(logging.Formatter):
    """One record, one line: text from outside (a file name, a user's name) cannot forge a second record.

    Tracebacks keep their lines; they follow the record they belong to.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")
