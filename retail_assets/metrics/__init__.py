"""Metrics: each business figure is defined once (dbt_project/models/metrics), and asked for by name."""
