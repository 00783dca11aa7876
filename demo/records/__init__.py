"""Demo rows for every registered data type, generated from the models and loaded with COPY."""
