"""The states of the pages of an undo."""

from django.urls import reverse
from playwright.sync_api import Page, expect

from records.quality.models import CCR
from tests.browser.world import World
from tests.fixtures.records import call
from tests.fixtures.running import run_bulk, run_single
from tests.fixtures.undoing import prepare, run_undo
from transfers.models import Transfer


def transferred(world: World, first: int) -> Transfer:
    """Run a bulk of three pairs, then give one of the moved calls to somebody else."""
    people = world.people[first : first + 6]
    calls = [call(source) for source in people[:3]]
    made = run_bulk(world.boss, *zip(people[:3], people[3:], strict=True))
    CCR.objects.filter(pk=calls[0].pk).update(agent=world.people[0])
    return made


def preview_of(draft: Transfer) -> str:
    return reverse("transfers:undo-preview", args=[draft.number])


def single(world: World) -> str:
    source, target = world.people[40:42]
    call(source)
    return preview_of(prepare(world.boss, run_single(world.boss, source, target)))


def preview(world: World) -> str:
    """An undo in which one user has an error, because a record was changed since."""
    return preview_of(prepare(world.boss, transferred(world, 36)))


def ready(world: World) -> str:
    """The same undo, which leaves this record."""
    return preview_of(prepare(world.boss, transferred(world, 42), leave_changed=True))


def open_window(page: Page, world: World) -> None:
    page.wait_for_load_state()  # without the script, the link opens a page instead of a window
    page.locator("#run").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()


def confirmation(world: World) -> str:
    draft = prepare(world.boss, transferred(world, 42), leave_changed=True)
    return reverse("transfers:transfer-confirmation", args=[draft.number])


def result(world: World) -> str:
    """The page of an undo that left a record as it is."""
    undo = run_undo(world.boss, transferred(world, 48), leave_changed=True)
    return reverse("transfers:transfer-detail", args=[undo.number])


def undone(world: World) -> str:
    """The page of a transfer of which one pair is undone."""
    made = transferred(world, 54)
    run_undo(world.boss, made, made.pairs.order_by("row_number")[1])
    return reverse("transfers:transfer-detail", args=[made.number]) + "?show=all"
