"""The gates between the layers: what must hold of a load for the build to go on, as Great Expectations suites.

A folder a gate, a file a table; `runner` evaluates a gate, `great_expectations_on_duckdb` is what that takes here.
"""
