"""How often a person may sign in, search, upload and download; by address where nobody is signed in.

The counts are kept in Redis, so that all web processes share them. While Redis is away each process counts for itself:
losing Redis loosens the limits and breaks no page.
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

from accounts.client import counted_address

log = logging.getLogger(__name__)

PATIENCE = 0.5  # seconds a page waits for Redis
WITHOUT_ADDRESS = (
    "strangers without an address"  # all of them together, behind a Unix socket without TRUST_PROXY
)
PREFIX = "transfer-limits"
PAUSE = 10  # seconds until Redis is asked again after it did not answer


class RateLimitMiddleware(MiddlewareMixin):
    """Answers 429 in place of a page of `settings.RATE_LIMITED_PAGES` that was asked for too often."""

    def process_view(self, request: HttpRequest, *view: object) -> HttpResponseBase | None:
        name = limit_of(request)
        seconds = seconds_to_wait(name, who(request)) if name else 0
        return too_many(request, seconds) if seconds else None


def limit_of(request: HttpRequest) -> str:
    """The name of the limit that this request counts against; "" for most of them."""
    page = request.resolver_match.view_name if request.resolver_match else ""
    name, methods = settings.RATE_LIMITED_PAGES.get(page, ("", ()))
    method = "GET" if request.method == "HEAD" else request.method
    return name if method in methods else ""


def who(request: HttpRequest) -> str:
    """The person by id, else the address; where neither is known, one and the same for all."""
    if request.user.is_authenticated:
        return f"person {request.user.pk}"
    address = counted_address(request)
    return f"address {address}" if address else WITHOUT_ADDRESS


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    response = render(request, "429.html", {"seconds": seconds}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def seconds_to_wait(name: str, identity: str) -> int:
    """Counts one; 0 when it is within every window of the limit, else the seconds until it would be."""
    text = settings.RATE_LIMITS.get(name, "")
    if not text:
        return 0
    return counter(settings.REDIS_URL).hit(limits.parse_many(text), f"{name} {identity}")


class Counter:
    """Counts in Redis, and here while Redis does not answer."""

    def __init__(self, redis_url: str) -> None:
        self.shared = MovingWindowRateLimiter(redis_storage(redis_url))
        self.own = MovingWindowRateLimiter(MemoryStorage())
        self.away_until = 0.0

    def hit(self, windows: list[limits.RateLimitItem], identity: str) -> int:
        if time.monotonic() >= self.away_until:
            try:
                return hit(self.shared, windows, identity)
            except RedisError:
                self.away_until = time.monotonic() + PAUSE
                log.warning("Redis does not answer: each web process counts for itself for a while.")
        return hit(self.own, windows, identity)


def hit(limiter: MovingWindowRateLimiter, windows: list[limits.RateLimitItem], identity: str) -> int:
    """Who is refused by one window is not counted by the others."""
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
    """One quick try: the page has to go on."""
    return ConnectionPool.from_url(
        url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
    )


def were_without_address() -> bool:
    """Has anybody been counted lately who was not signed in and had no address? Asked by `doctor`; needs Redis."""
    with Redis(connection_pool=pool(settings.REDIS_URL)) as redis:
        return any(True for _ in redis.scan_iter(f"*{PREFIX}*{WITHOUT_ADDRESS}*", count=1000))
