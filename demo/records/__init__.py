"""Demo rows for every data type of the registry, generated from the models and loaded by COPY."""
