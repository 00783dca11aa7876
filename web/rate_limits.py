"""Rate limits for signing in, searching, uploading, downloading, changes and denied requests.

They count per user or, if anonymous, per address.

The counts are in Redis, shared by all web processes. While Redis is unavailable each process keeps its own counts, so
losing Redis loosens the limits but breaks no page.
"""

import logging
import math
import time
from functools import lru_cache

import limits
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from web.client_address import counted_address

log = logging.getLogger(__name__)

REDIS_TIMEOUT = 0.5  # seconds a page waits for Redis
RETRY_AFTER = 10  # seconds before Redis is tried again after it did not respond
PREFIX = "transfer-limits"
# Stands for all anonymous clients without an address, as behind a Unix socket without TRUST_PROXY.
WITHOUT_ADDRESS = "strangers without an address"


class RateLimitMiddleware(MiddlewareMixin):
    """Responds with 429 to a request for one of `settings.RATE_LIMITED_PAGES` that exceeds its limit."""

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponseBase | None:
        name = limit_of(request)
        seconds = seconds_to_wait(name, identity_of(request)) if name else 0
        return too_many_requests(request, seconds) if seconds else None


def limit_of(request: HttpRequest) -> str:
    """Return the name of the limit that this request counts against; "" if there is none.

    Requests that may change something count against CHANGE, unless their page has another limit for them.
    """
    page = request.resolver_match.view_name if request.resolver_match else ""
    name, methods = settings.RATE_LIMITED_PAGES.get(page, ("", ()))
    method = "GET" if request.method == "HEAD" else request.method
    if method in methods:
        return name
    return "" if method in ("GET", "OPTIONS", "TRACE") else "CHANGE"


def identity_of(request: HttpRequest) -> str:
    """Return the key for counting: the user, else the client's address, else one key for all without an address."""
    if request.user.is_authenticated:
        return f"person {request.user.pk}"
    address = counted_address(request)
    return f"address {address}" if address else WITHOUT_ADDRESS


def too_many_requests(request: HttpRequest, seconds: int) -> HttpResponse:
    response = render(request, "429.html", {"seconds": seconds}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def seconds_to_wait(name: str, identity: str) -> int:
    """Count a request, and return 0 if it is within the limit, else the number of seconds to wait."""
    text = settings.RATE_LIMITS.get(name, "")
    if not text:
        return 0
    return counter(settings.REDIS_URL).hit(limits.parse_many(text), f"{name} {identity}")


class Counter:
    """Counts in Redis, or in this process while Redis does not respond."""

    def __init__(self, redis_url: str) -> None:
        self.shared = MovingWindowRateLimiter(redis_storage(redis_url))
        self.local = MovingWindowRateLimiter(MemoryStorage())
        self.retry_at = 0.0

    def hit(self, windows: list[limits.RateLimitItem], identity: str) -> int:
        if time.monotonic() >= self.retry_at:
            try:
                return hit(self.shared, windows, identity)
            except RedisError:
                self.retry_at = time.monotonic() + RETRY_AFTER
                log.warning(
                    "Redis does not answer. Until it does, each web process counts only its own requests."
                )
        return hit(self.local, windows, identity)


def hit(limiter: MovingWindowRateLimiter, windows: list[limits.RateLimitItem], identity: str) -> int:
    """Count a request in all windows of the limit, or in none if one of them is full.

    Return 0 if it was counted, else the number of seconds until it can be counted.
    """
    full = [window for window in windows if not limiter.test(window, identity)]
    if not full and all(limiter.hit(window, identity) for window in windows):
        return 0
    resets = [limiter.get_window_stats(window, identity).reset_time for window in full or windows]
    return max(1, math.ceil(max(resets) - time.time()))


@lru_cache(maxsize=4)
def counter(redis_url: str) -> Counter:
    return Counter(redis_url)


def redis_storage(url: str) -> RedisStorage:
    return RedisStorage("redis://", connection_pool=pool(url), key_prefix=PREFIX)


def pool(url: str) -> ConnectionPool:
    """Return a connection pool with short timeouts and no retries, because a page is waiting."""
    return ConnectionPool.from_url(
        url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT, retry=Retry(NoBackoff(), 0)
    )


def counted_without_address() -> bool:
    """Return whether anonymous requests without an address were counted recently.

    For `doctor`. Raises RedisError if Redis cannot be reached.
    """
    with Redis(connection_pool=pool(settings.REDIS_URL)) as redis:
        return any(True for _ in redis.scan_iter(f"*{PREFIX}*{WITHOUT_ADDRESS}*", count=1000))
