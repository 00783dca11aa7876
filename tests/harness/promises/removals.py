"""For each promise, the edits that remove the code upholding it (its protection), and the test that must then fail."""

from dataclasses import dataclass

WORKER, BATCH, LOCKS = "transfers/engine/worker.py", "transfers/engine/batch.py", "transfers/engine/locks.py"
UNAVAILABLE, TASKS = "tenancy/postgresql/transient_errors.py", "transfers/tasks.py"
UNDO, UNDO_RUNS = "transfers/engine/undo", "tests/transfers/actions/test_undo_runs.py"
PROCESSES, DATABASE = "tests/harness/promises/test_processes.py", "tests/harness/promises/test_database.py"

SUCCESS_WITH_THE_ROWS = """            move_records(transfer, len(pairs), together=together)
        record_success(transfer)
"""
SUCCESS_AHEAD_OF_THE_ROWS = """            record_success(transfer)
    with tenant_context(transfer.tenant_id), transaction.atomic():
        execute(LOCK_TIMEOUT)
        prepare_journal(transfer.pk)
        apply_session_settings()
        disable_seqscan()
        set_stage(staged(allowed))
        move_records(transfer, len(pairs), together=together)
"""


@dataclass(frozen=True)
class Removal:
    """How to remove the protection of a promise.

    Each of the `edits` is (file, text that occurs in it exactly once, replacement without the protection).
    """

    promise: str
    test: str
    what: str
    edits: tuple[tuple[str, str, str], ...]


REMOVALS = [
    Removal(
        "R1",
        f"{PROCESSES}::test_r1_killed_in_the_middle_of_a_batch_every_pair_is_whole_or_untouched",
        "one transaction for a pair's rows and its state",
        ((BATCH, SUCCESS_WITH_THE_ROWS, SUCCESS_AHEAD_OF_THE_ROWS),),
    ),
    Removal(
        "R2",
        f"{PROCESSES}::test_r2_the_same_message_ten_times_at_once_and_again",
        "the lock on the chunk, and checking the pairs' state under lock",
        (
            (LOCKS, "        yield got\n", "        yield True\n"),
            (BATCH, "filter(pk__in=pair_ids, state=PairState.PENDING)", "filter(pk__in=pair_ids)"),
        ),
    ),
    Removal(
        "R3",
        f"{PROCESSES}::test_r3_after_the_death_of_a_worker_the_next_one_continues",
        "the recovery sweep",
        ((TASKS, "if not is_over:\n                wake(", "if is_over:\n                wake("),),
    ),
    Removal(
        "R4",
        f"{PROCESSES}::test_r4_redis_is_emptied_and_goes_down_and_the_transfer_ends",
        "the recovery sweep's entry in beat's schedule",
        (("transfer_site/settings/__init__.py", '"schedule": 10.0', '"schedule": 100_000.0'),),
    ),
    Removal(
        "R5",
        f"{DATABASE}::test_r5_postgresql_crashes_in_the_middle_of_a_batch",
        "not counting the attempt interrupted by the server",
        ((WORKER, 'then=F("attempts") - 1)', 'then=F("attempts"))'),),
    ),
    Removal(
        "R6",
        f"{PROCESSES}::test_r6_a_poison_pair_fails_after_three_attempts_and_the_others_succeed"
        "[kills its worker-worker-died]",
        "committing the attempt before the work",
        ((WORKER, "    count_attempt(batch)\n    return batch\n", "    return batch\n"),),
    ),
    Removal(
        "R7",
        "tests/transfers/actions/test_at_once.py::test_twenty_confirmations_make_one_transfer",
        "the lock on the draft while it is confirmed",
        (
            (
                "transfers/actions/confirming.py",
                "Transfer.objects.select_for_update().get(pk=transfer_id)",
                "Transfer.objects.get(pk=transfer_id)",
            ),
        ),
    ),
    Removal(
        "R8",
        "tests/transfers/engine/test_recheck.py",
        "rechecking users and rights",
        ((BATCH, "refused = refusals(transfer, pairs)", "refused: dict = {}"),),
    ),
    Removal(
        "R9",
        "tests/harness/promises/test_numbers.py::test_r9_the_numbers_always_add_up",
        "the filter that lets only pending pairs become not started",
        (
            (
                "transfers/engine/completion.py",
                "idle = pairs.filter(state=PairState.PENDING)",
                "idle = pairs.exclude(state=PairState.NOT_STARTED)",
            ),
        ),
    ),
    Removal(
        "R10",
        f"{PROCESSES}::test_r10_a_stopped_worker_finishes_its_chunk_and_leaves_the_rest",
        "the time limit of a worker for one transfer",
        (
            (WORKER, "    while time.monotonic() < deadline and not stop", "    while not stop"),
            (WORKER, "    while time.monotonic() < deadline:\n", "    while True:\n"),
        ),
    ),
    Removal(
        "R11",
        f"{PROCESSES}::test_r11_a_stop_in_the_middle_of_a_batch",
        "skipping pairs locked by a worker",
        (("transfers/engine/completion.py", "PENDING).select_for_update(skip_locked=True)", "PENDING)"),),
    ),
    Removal(
        "R12",
        f"{DATABASE}::test_r12_two_transfers_in_opposite_directions_over_shared_rows",
        "taking turns, and retrying",
        (
            ("transfers/engine/batch.py", 'execute(ONE_AT_A_TIME, {"tenant": transfer.tenant_id})', "pass"),
            (WORKER, "MAX_ATTEMPTS = 3", "MAX_ATTEMPTS = 1"),
        ),
    ),
    Removal(
        "R13",
        f"{DATABASE}::test_r13_a_database_that_cannot_write_pauses_the_transfer",
        "distinguishing errors of the server from errors of a pair",
        ((UNAVAILABLE, 'TROUBLE = ("53100", "53300", "58030", "25006")', "TROUBLE = ()"),),
    ),
    Removal(
        "R14",
        f"{DATABASE}::test_r14_nobody_outside_the_chunk_waits",
        "locking only the users of the chunk",
        (
            (
                "transfers/engine/sql/lock_users.sql",
                "WHERE u.id IN (SELECT source FROM transfer_stage UNION ALL SELECT target FROM transfer_stage)",
                "WHERE u.id IN (SELECT user_id FROM transfers_participant)",
            ),
        ),
    ),
    Removal(
        "R15",
        "tests/operations/test_backup.py::test_r15_a_backup_in_the_middle_resumes_to_the_same_end",
        "one transaction for a pair's rows and its state",
        ((BATCH, SUCCESS_WITH_THE_ROWS, SUCCESS_AHEAD_OF_THE_ROWS),),
    ),
    Removal(
        "R16",
        f"{UNDO_RUNS}::test_a_transfer_and_its_undo_leave_every_record_as_it_was",
        "restoring every column that the transfer changed, not only the owner",
        (
            (
                f"{UNDO}/comparing.py",
                "array_remove(ARRAY[{}]::integer[], NULL)",
                "(array_remove(ARRAY[{}]::integer[], NULL))[:1]",
            ),
        ),
    ),
    Removal(
        "R17",
        f"{UNDO_RUNS}::test_transfers_on_top_of_each_other_are_undone_in_reverse",
        "the check whether a later transfer of the users has to be undone first",
        (
            (
                "transfers/validation/undo/checking.py",
                "    if blocking:\n        yield",
                "    if False:\n        yield",
            ),
        ),
    ),
    Removal(
        "R18",
        f"{UNDO_RUNS}::test_records_that_change_after_the_confirmation_fail_their_pair_alone",
        "comparing each row with what the transfer left",
        ((f"{UNDO}/comparing.py", " WHEN ({is_same}) IS NOT TRUE THEN 'changed' END AS why", " END AS why"),),
    ),
    Removal(
        "R19",
        f"{UNDO_RUNS}::test_a_journal_that_becomes_incomplete_after_the_confirmation_fails_its_pair_alone",
        "comparing the sums of the journal with the counts of the pairs",
        (
            (
                f"{UNDO}/running.py",
                "partial := incomplete(pairs)",
                "partial := set()",
            ),
        ),
    ),
]
