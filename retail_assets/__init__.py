"""The data platform of a retailer: sources to raw, staging, warehouse and marts, as Dagster assets."""
