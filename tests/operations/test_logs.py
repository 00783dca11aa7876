"""What a line of the log says of the request, the user, the transfer and the chunk."""

import json
import logging
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from operations.logs import Context, OneJsonObject, request_in_hand
from tests.transfers.cast import Cast, signed_in
from transfers.engine.locks import chunk_lock
from transfers.log_context import about


def line(message: str, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord(
        "transfers.engine", logging.WARNING, __file__, 1, message, (), more.get("error")
    )
    record.__dict__.update({name: value for name, value in more.items() if name != "error"})
    Context().filter(record)
    text = OneJsonObject().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_line_is_one_json_object() -> None:
    found = line("two\nlines")
    assert (found["level"], found["logger"], found["message"]) == (
        "WARNING",
        "transfers.engine",
        "two\nlines",
    )
    assert "time" in found
    assert "transfer_id" not in found


def test_a_traceback_is_one_string() -> None:
    try:
        raise ValueError("here")
    except ValueError as error:
        found = line("Trouble", error=(ValueError, error, error.__traceback__))
    assert "ValueError: here" in found["exc_info"]


def test_work_on_a_transfer_says_which(db: None) -> None:
    with about(17):
        assert line("step")["transfer_id"] == 17
        with chunk_lock(17, 3):
            assert (line("step")["transfer_id"], line("step")["chunk"]) == (17, 3)
        assert "chunk" not in line("step")
    assert "transfer_id" not in line("step")


def test_a_request_says_its_id_and_who_asked(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(Context())
    with caplog.at_level(logging.INFO, "operations"):
        response = signed_in(cast.ada).get("/transfer/single/?source_q=Ana")
    (record,) = caplog.records
    noted = record.__dict__
    assert noted["request_id"] == response["X-Request-ID"]
    assert noted["user_id"] == cast.ada.pk
    assert record.getMessage().startswith("GET /transfer/single/ 200 ")
    assert "Ana" not in record.getMessage()


@pytest.mark.parametrize(
    ("trusted", "given", "taken"),
    [
        (True, "0123456789abcdef-1", True),
        (True, "short", False),
        (True, "with a line\nbreak-----", False),
        (False, "0123456789abcdef-1", False),
    ],
)
def test_only_a_trusted_proxy_names_a_request(
    settings: Settings, trusted: bool, given: str, taken: bool
) -> None:
    settings.TRUST_PROXY = trusted
    response = Client().get("/health/live", headers={"X-Request-ID": given})
    assert (response["X-Request-ID"] == given) is taken


def test_a_line_asks_the_database_for_nobody(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = request_in_hand.set(RequestFactory().get("/"))
    with django_assert_num_queries(0):
        assert "user_id" not in line("early")
    request_in_hand.reset(token)
