"""The error of a requirement that is not met."""

from transfers.rules import DataType


class CannotCompile(Exception):
    """The declaration does not fit the database. `data_type` is the type's key, `hint` the next step."""

    def __init__(self, data_type: DataType, what: str, hint: str) -> None:
        self.data_type = data_type.key
        self.hint = hint
        super().__init__(f"{data_type.name}: {what}")
