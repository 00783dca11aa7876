"""Logging context and the JSON format."""

import json
import logging
from typing import Any

import pytest
from django.test import Client, RequestFactory
from pytest_django import DjangoAssertNumQueries, Settings

from audit.log_context import transfer_log_context
from operations.monitoring.logs import Context, OneJsonObject, current_request
from tests.fixtures.cast import Cast, signed_in
from transfers.engine.locks import chunk_lock


def logged(message: str, **more: Any) -> dict[str, Any]:
    record = logging.LogRecord(
        "transfers.engine", logging.WARNING, __file__, 1, message, (), more.get("error")
    )
    record.__dict__.update({name: value for name, value in more.items() if name != "error"})
    Context().filter(record)
    text = OneJsonObject().format(record)
    assert "\n" not in text
    return json.loads(text)


def test_a_record_is_one_json_object() -> None:
    found = logged("two\nlines")
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
        found = logged("Trouble", error=(ValueError, error, error.__traceback__))
    assert "ValueError: here" in found["exc_info"]


def test_records_hold_the_current_transfer_and_chunk(db: None) -> None:
    with transfer_log_context(17):
        assert logged("step")["transfer_id"] == 17
        with chunk_lock(17, 3):
            assert (logged("step")["transfer_id"], logged("step")["chunk"]) == (17, 3)
        assert "chunk" not in logged("step")
    assert "transfer_id" not in logged("step")


def test_records_hold_the_ids_of_request_and_user(cast: Cast, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(Context())
    with caplog.at_level(logging.INFO, "operations"):
        response = signed_in(cast.ada).get("/transfer/single/?source_q=Ana")
    (record,) = caplog.records
    fields = record.__dict__
    assert fields["request_id"] == response["X-Request-ID"]
    assert fields["user_id"] == cast.ada.pk
    assert record.getMessage().startswith("GET /transfer/single/ 200 ")
    assert "Ana" not in record.getMessage()


@pytest.mark.parametrize(
    ("trusted", "given", "accepted"),
    [
        (True, "0123456789abcdef-1", True),
        (True, "short", False),
        (True, "with a line\nbreak-----", False),
        (False, "0123456789abcdef-1", False),
    ],
)
def test_only_a_trusted_proxy_sets_the_request_id(
    settings: Settings, trusted: bool, given: str, accepted: bool
) -> None:
    settings.TRUST_PROXY = trusted
    response = Client().get("/health/live", headers={"X-Request-ID": given})
    assert (response["X-Request-ID"] == given) is accepted


def test_logging_does_not_query_the_database(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    token = current_request.set(RequestFactory().get("/"))
    with django_assert_num_queries(0):
        assert "user_id" not in logged("early")
    current_request.reset(token)
