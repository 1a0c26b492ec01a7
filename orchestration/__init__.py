"""The loader, the publisher and the `kpi` command around the dbt project."""
