from django.db import models

# Under row-level security, PostgreSQL evaluates the policy before any condition that is not leakproof. `=` is
# leakproof, but LIKE and lower() are not, so indexes for them are not used. This database view belongs to the owner of
# the tables, who bypasses the policies, and compares the tenant in an ordinary condition, so the planner can use those
# indexes.
#
# Sign-in reads users through this view. A migration that changes one of its columns must therefore, in one transaction,
# first drop the view with RunSQL("DROP VIEW accounts_searchable", …) and last recreate it with RunPython, in a function
# that calls `tenancy.database_roles.apply_row_level_security(None, using=…, plan=())`. This call also grants the
# application its rights on the view.
MAKE_SEARCHABLE = """
CREATE OR REPLACE VIEW accounts_searchable AS
SELECT id, tenant_id, team_id, username, email, is_active, sort_name, search_text FROM accounts_user
WHERE (SELECT current_setting('transfers.tenant', true) = '*')
OR tenant_id = (SELECT nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint)
"""


class SearchableUser(models.Model):
    """A database view of the current tenant's users, for finding ids by text. Read the users themselves from `User`."""

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
