"""The daily verification of every tenant's audit log."""

import logging

from celery import shared_task

from audit.log_context import log_errors
from audit.verification import describe, tenants_to_verify, verify

log = logging.getLogger(__name__)


@shared_task
def verify_audit() -> None:
    """Verify each tenant's audit log. The result is shown on the audit log page; findings are also logged as errors."""
    for tenant_id in tenants_to_verify():
        with log_errors(log, "tenant=%s: the audit log could not be verified", tenant_id):
            finding = verify(tenant_id)
            log.log(logging.ERROR if finding.wrong else logging.INFO, "%s", describe(finding))
