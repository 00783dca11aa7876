from django.db import models

# Under row-level security, PostgreSQL evaluates the policy before any condition that is not leakproof. `=` is, but LIKE
# and lower() are not, so their indexes are not used. A view belongs to the owner of the tables, who bypasses the
# policies; it compares the tenant in an ordinary condition, and the planner can use those indexes again.
#
# Signing in needs the view. So a migration that changes one of its columns drops the view first and recreates it last,
# in one transaction: RunSQL("DROP VIEW accounts_searchable", …), and RunPython of a function that calls
# `tenancy.database_roles.apply_row_level_security(None, using=…, plan=())`, which also grants the application's rights.
MAKE_SEARCHABLE = """
CREATE OR REPLACE VIEW accounts_searchable AS
SELECT id, tenant_id, team_id, username, email, is_active, sort_name, search_text FROM accounts_user
WHERE (SELECT current_setting('transfers.tenant', true) = '*')
OR tenant_id = (SELECT nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint)
"""


class SearchableUser(models.Model):
    """The users of the current tenant, for finding ids by text; the users themselves are read from `User`."""

    tenant_id = models.BigIntegerField()
    team_id = models.BigIntegerField(null=True)
    username = models.CharField(max_length=254)
    email = models.EmailField()
    is_active = models.BooleanField()
    sort_name = models.TextField()
    search_text = models.TextField()

    class Meta:
        managed = False
        db_table = "accounts_searchable"
        default_permissions = ()

    def __str__(self) -> str:
        return self.username
