"""Where people stand: columns with a foreign key to them, and columns whose names or values say so."""
