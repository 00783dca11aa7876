from collections.abc import Iterator

import pytest
from django.apps.registry import Apps
from django.test.utils import isolate_apps


@pytest.fixture(autouse=True)
def isolated_apps() -> Iterator[Apps]:
    """Register the models that a test defines in a separate app registry, which is discarded after the test."""
    with isolate_apps("records.quality") as registry:
        yield registry
