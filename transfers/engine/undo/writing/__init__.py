"""Write what an undo restores, and know what triggers make of it."""
