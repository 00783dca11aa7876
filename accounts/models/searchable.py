from django.db import models

# Row-level security reads a row before it lets a condition see it, unless the condition cannot leak: `=` cannot, LIKE
# and lower() may, as far as PostgreSQL knows, and then no index of theirs is used. A view that its owner made, who
# stands above the policies, asks for the tenant as an ordinary condition, and the planner is free again.
#
# Nobody signs in while it is not there. So a migration that changes one of its columns drops it first and puts it back
# last, in its one transaction: RunSQL("DROP VIEW accounts_searchable", …), and RunPython of a function that calls
# `accounts.database_roles.put_in_place(None, using=…, plan=())`, which grants the application its right as well.
MAKE_SEARCHABLE = """
CREATE OR REPLACE VIEW accounts_searchable AS
SELECT id, tenant_id, team_id, username, email, is_active, sort_name, search_text FROM accounts_user
WHERE (SELECT current_setting('transfers.tenant', true) = '*')
OR tenant_id = (SELECT nullif(nullif(current_setting('transfers.tenant', true), ''), '*')::bigint)
"""


class SearchableUser(models.Model):
    """The users of the tenant that may be seen, for finding ids by text; who they are is read from `User`."""

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
