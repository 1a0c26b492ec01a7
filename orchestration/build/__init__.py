"""From raw to marts: dbt, the gates between its layers, and the steps of a build."""
