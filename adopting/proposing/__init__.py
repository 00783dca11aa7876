"""What a person would declare for the adopted tables: owners, rules and children, and the questions that remain."""
