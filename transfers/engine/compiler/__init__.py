"""Compile a data type's rule to SQL steps, from its declaration and the database catalog."""
