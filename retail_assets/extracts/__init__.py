"""The marts as files, for whoever works with files: Parquet, CSV and workbooks, by month.

`folder` puts files where they are read, each whole or not at all; `tables` writes what has changed of a
table; `assets` does so in every run, and `command` when somebody asks.
"""
