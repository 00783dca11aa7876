"""Health endpoints, Prometheus metrics, structured logs, and the probe for containers."""
