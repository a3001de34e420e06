"""A Power BI project (PBIP) over the extract of metrics, generated from the definitions of the metrics.

`dax` translates their SQL, `model` decides on tables, relationships and measures, `tmdl` and `report` write
them, `project` puts the files together, and `command` is what people call.
"""
