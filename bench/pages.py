"""The measurements of pages: a preview and its confirmation, upload and export of people.csv, the user picker."""

import io
import statistics
import time
from collections.abc import Sequence
from itertools import pairwise

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.people.search import find_users
from bench.contestants import Job, processes, report_of, start_work
from bench.data import Pair, make_people
from bench.measures import Piece, Say
from bench.race import upload_pairs
from bench.server import Server, enter, leave
from bench.sizes import Sizes
from tenancy.context import tenant_context
from transfer_site.run.embedded import APPLICATION
from transfers import actions
from transfers.planning.background_counts import count_draft, plan_to_show


def counting(server: Server, template: str, pairs: Sequence[Pair], sizes: Sizes, say: Say) -> Piece:
    """Measure a preview of these pairs: the upload, the counting in the background, and the confirmation window."""
    say(f"a preview of {len(pairs):,} pairs")
    runs = [count(server, template, pairs) for _ in range(sizes.rounds)]
    medians = (round(statistics.median(times), 3) for times in zip(*runs, strict=True))
    return {"pairs": len(pairs)} | dict(
        zip(("upload_seconds", "count_seconds", "window_seconds"), medians, strict=True)
    )


def count(server: Server, template: str, pairs: Sequence[Pair]) -> tuple[float, float, float]:
    """Return the seconds that the upload, the counting of all pairs and the content of the window take."""
    with server.fresh(template) as name:
        enter(name, APPLICATION)
        admin = User.objects.get(username="admin")
        with tenant_context(admin.tenant_id):
            moments = [time.perf_counter()]
            draft = upload_pairs(admin, pairs)
            moments.append(time.perf_counter())
            count_draft(draft.pk)
            moments.append(time.perf_counter())
            draft.refresh_from_db()
            plan = plan_to_show(draft, admin)
            moments.append(time.perf_counter())
        leave()
    if plan.uncounted:
        raise RuntimeError(f"{plan.uncounted} of {len(plan.pairs)} pairs were not counted.")
    first, *others = (later - earlier for earlier, later in pairwise(moments))
    return first, *others


def files(server: Server, template: str, pairs: Sequence[Pair], sizes: Sizes, say: Say) -> Piece:
    """Measure the upload and the export of people.csv in an organisation of `sizes.people` users."""
    make_people(server, template, "people", sizes.people)
    say(f"people.csv of {sizes.people:,} users")
    found = {"users": sizes.people, "upload": uploads(server, pairs, sizes), "export": exports(server, sizes)}
    server.drop("people")
    return found


def uploads(server: Server, pairs: Sequence[Pair], sizes: Sizes) -> Piece:
    whole = [upload(server, sizes.people, pairs) for _ in range(sizes.rounds)]
    tenth = upload(server, sizes.people // 10, pairs[: len(pairs) // 10])
    return {
        "lines": sizes.people,
        "pairs": len(pairs),
        "seconds": round(statistics.median(seconds for seconds, _ in whole), 3),
        "runs": [round(seconds, 3) for seconds, _ in whole],
        "queries": whole[0][1],
        "queries_of_a_tenth": tenth[1],
    }


def upload(server: Server, lines: int, pairs: Sequence[Pair]) -> tuple[float, int]:
    """Upload a people.csv of `lines` lines, and return the seconds and the number of queries this took.

    Only the source users of `pairs` have a target user in the file.
    """
    with server.fresh("people") as name:
        enter(name)
        admin = User.objects.get(username="admin")
        stream = io.BytesIO(filled_in(admin, lines, dict(pairs)))
        with CaptureQueriesContext(connection) as queries:
            began = time.perf_counter()
            actions.upload(by=admin, file_name="people.csv", stream=stream)
            return time.perf_counter() - began, len(queries)


def filled_in(admin: User, lines: int, targets: dict[int, int]) -> bytes:
    """Return people.csv as it would be exported, but with To User ID filled in for the keys of `targets`."""
    sources = User.objects.filter(pk__in=targets)
    others = User.objects.filter(tenant=admin.tenant).exclude(pk__in=targets).order_by("pk")
    columns = ("id", "first_name", "last_name", "username", "email")
    rows = [*sources.values_list(*columns), *others.values_list(*columns)[: max(lines - len(targets), 0)]]
    head = "From User ID,To User ID,First Name,Last Name,User Name,Email\r\n"
    return (
        head + "".join(f"{row[0]},{targets.get(row[0], '')},{','.join(row[1:])}\r\n" for row in sorted(rows))
    ).encode()


def exports(server: Server, sizes: Sizes) -> Piece:
    """Measure the time and memory growth of exports of people.csv, each in a separate process."""
    runs, grown = [], []
    for _ in range(sizes.rounds):
        with server.fresh("people") as name:
            enter(name)
            admin = User.objects.get(username="admin").pk
            leave()
            with processes(Job(server, name, ()), "export", admin) as (process,):
                began = time.perf_counter()
                start_work(process)
                report = report_of(process)
                runs.append(time.perf_counter() - began)
                grown.append(report["peak_mb"] - report["before_mb"])
    return {
        "seconds": round(statistics.median(runs), 3),
        "runs": [round(seconds, 3) for seconds in runs],
        "grown_mb": round(max(grown), 1),
    }


QUERIES = (
    *("ana", "maria silva", "díaz", "dvo", "an", "a", "sch", "jürgen mül", "wojcik", "o'n", "łuk", "bench"),
    *(
        "agent77",
        "agent500@",
        "silva ana",
        "kowalczyk m",
        "nobody at all",
        "zzzz",
        "77",
        "12345",
        "lef bér",
        "",
    ),
)


def picker(server: Server, template: str, sizes: Sizes, say: Say) -> Piece:
    """Time the searches of the user picker, for a user who sees all users and for one who sees two teams."""
    make_people(server, template, "people", sizes.searched)
    say(f"the picker among {sizes.searched:,} users")
    enter("people", APPLICATION)
    times = [
        (search(User.objects.get(username=username), text), f"{username}: {text}")
        for username in ("admin", "operator")
        for text in QUERIES * 5
    ]
    leave()
    server.drop("people")
    ordered = sorted(seconds for seconds, _ in times)
    return {
        "users": sizes.searched,
        "searches": len(times),
        "median_ms": round(1000 * statistics.median(ordered), 1),
        "p95_ms": round(1000 * ordered[int(0.95 * len(ordered))], 1),
        "slowest_ms": round(1000 * ordered[-1], 1),
        "slowest": max(times)[1],
    }


def search(person: User, text: str) -> float:
    began = time.perf_counter()
    with tenant_context(person.tenant_id):
        find_users(person, text, inactive=True, limit=21)
    return time.perf_counter() - began
