"""Start-up checks that every reference to a user is declared and every declaration fits the database."""
