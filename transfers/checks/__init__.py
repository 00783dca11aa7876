"""Start-up checks: every reference to a user is declared, and every declaration fits the database."""
