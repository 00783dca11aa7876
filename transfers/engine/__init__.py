"""The engine: compiles the rules of the data types to set-based SQL; predicts, runs and verifies transfers.

`prediction.predict` and `batch.run_batch` execute the same compiled steps; the preview leaves out those that write to
record tables. `worker.work_on` claims chunks of a transfer and isolates failing pairs.
"""
