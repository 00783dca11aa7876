"""Pages are compressed for browsers that accept it. Downloads are streamed as they are."""

import gzip

import pytest
from django.urls import reverse

from tests.fixtures.cast import Cast, signed_in

pytestmark = pytest.mark.django_db
ACCEPTED = {"Accept-Encoding": "gzip"}


def test_a_page_is_compressed(cast: Cast) -> None:
    client, address = signed_in(cast.ada), reverse("transfers:help")
    plain, packed = client.get(address), client.get(address, headers=ACCEPTED)
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert len(packed.content) < len(plain.content) / 2
    assert b"What is transferred" in gzip.decompress(packed.content)
    assert "Accept-Encoding" in packed["Vary"]


def test_the_length_of_a_page_does_not_reveal_its_content(cast: Cast) -> None:
    """The same page has a different length in each response."""
    client, address = signed_in(cast.ada), reverse("transfers:help")
    lengths = {len(client.get(address, headers=ACCEPTED).content) for _ in range(20)}
    assert len(lengths) > 5


def test_a_download_is_not_compressed(cast: Cast) -> None:
    response = signed_in(cast.ada).get(reverse("transfers:people-export"), headers=ACCEPTED)
    assert "Content-Encoding" not in response
    assert b"From User ID" in b"".join(response.streaming_content)
