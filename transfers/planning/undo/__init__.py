"""What an undo would do."""
