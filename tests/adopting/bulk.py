"""Run a bulk over the adopted tables, in a process that has the adopted app: the engine, without workers.

Arguments: the pairs as JSON, a list of source and target by their external IDs. Prints as JSON the states
of the pairs, their counts and the counts that were predicted. With the argument `undo` it undoes that bulk, but leaves
rows of tables without a primary key, which cannot be found again.
"""

import json
import sys

import django

if __name__ == "__main__":
    django.setup()

    from accounts.models import User
    from accounts.permissions import TRANSFER_ADMINISTRATOR
    from tenancy.context import all_tenants_context
    from tenancy.models import Tenant
    from tests.fixtures import cast
    from transfers.engine.batch import run_batch
    from transfers.engine.prediction import predict
    from transfers.engine.stage import StagedPair
    from transfers.models import Kind, State

    if sys.argv[1] == "undo":
        from tests.transfers.rules.running import undo_all
        from transfers.models import PairState, Transfer

        with all_tenants_context():
            done = undo_all(Transfer.objects.get().pk, leave_changed=True)
        sys.exit("\n".join(pair.reason for pair in done if pair.state != PairState.SUCCEEDED) or None)

    with all_tenants_context():
        pairs = json.loads(sys.argv[1])
        tenant = Tenant.objects.create(name="Adopters")
        by = cast.person(tenant, "Ada Admin", TRANSFER_ADMINISTRATOR, cast.enterprise_view(tenant))
        users = {}
        sources = {source for source, _ in pairs}
        for number, external_id in enumerate(sorted({one for pair in pairs for one in pair})):
            facts = {"external_id": external_id, "is_active": external_id not in sources}
            users[external_id] = cast.person(tenant, f"Person No{number}", **facts)
        assert User.objects.exclude(external_id="").count() == len(users)
        given = [(users[source], users[target]) for source, target in pairs]
        transfer = cast.transfer(by, *given, state=State.RUNNING, kind=Kind.BULK)
        staged = list(transfer.pairs.order_by("row_number"))
        predicted = predict([StagedPair(pair.pk, pair.source_id, pair.target_id) for pair in staged])
        run_batch(transfer, [pair.pk for pair in staged])
        done = list(transfer.pairs.order_by("row_number"))
        result = {
            "failed": [(pair.state, pair.reason) for pair in done if pair.state != "succeeded"],
            "counts": [pair.counts for pair in done],
            "predicted": [predicted.get(pair.pk, {}) for pair in done],
        }
        sys.stdout.write(json.dumps(result))
