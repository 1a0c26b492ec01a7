"""The build and the month close in Dagster: the same steps as `kpi build`, seen, scheduled, retried and told about."""
