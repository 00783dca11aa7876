"""Health endpoints, Prometheus metrics, structured logs, the container probe."""
