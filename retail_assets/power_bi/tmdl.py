"""The semantic model as TMDL, Power BI's text form of models: a file for each table.

Source: "Tabular Model Definition Language (TMDL)", Microsoft Learn, Analysis Services.
"""

from collections.abc import Iterator, Mapping

from retail_assets.catalog.exposures import METRICS
from retail_assets.power_bi.dax import text_of
from retail_assets.power_bi.model import MEASURES, Column, Measure, Model, Table, quoted

FOLDER = "Extracts folder"
"""The parameter that says where the extract is."""
# How the name of a month's file ends; the year is its beginning.
_MONTH = "2024-03.parquet"
# The compatibility level of Power BI Desktop's own models.
_LEVEL = 1600


def tmdl_of(model: Model, folder: str) -> Mapping[str, str]:
    """The files of a model, by their names within `definition`; `folder` is where the extracts are."""
    tables = {f"tables/{table.name}.tmdl": _table(table) for table in model.tables}
    return {
        "database.tmdl": f"database\n\tcompatibilityLevel: {_LEVEL}\n",
        "model.tmdl": _model(model),
        "expressions.tmdl": _parameter(folder),
        "relationships.tmdl": _relationships(model),
        **tables,
        f"tables/{MEASURES}.tmdl": _measures(model),
    }


def _model(model: Model) -> str:
    names = [*(table.name for table in model.tables), MEASURES]
    return "\n".join(
        [
            "model Model",
            "\tculture: en-US",
            "\tdefaultPowerBIDataSourceVersion: powerBI_V3",
            # Figures come from measures; a sum of a column would be another definition of one.
            "\tdiscourageImplicitMeasures",
            "",
            # No hidden calendar behind each date: there is one already.
            "\tannotation __PBI_TimeIntelligenceEnabled = 0",
            "",
            *(f"ref table {quoted(name)}" for name in names),
            "",
        ]
    )


def _parameter(folder: str) -> str:
    return (
        "/// Where the extracts are: `retail-assets extracts metrics --to DIR`.\n"
        f"expression {quoted(FOLDER)} = {text_of(folder)}"
        ' meta [IsParameterQuery=true, Type="Text", IsParameterQueryRequired=true]\n'
    )


def _relationships(model: Model) -> str:
    found = []
    for each in model.relationships:
        many, one = each.many.column(each.many_column), each.one.column(each.one_column)
        found.append(
            f"relationship {quoted(f'{each.many.name} to {each.one.name}')}\n"
            f"\tfromColumn: {quoted(each.many.name)}.{quoted(many.name)}\n"
            f"\ttoColumn: {quoted(each.one.name)}.{quoted(one.name)}\n"
        )
    return "\n".join(found)


def _described(text: str, indent: str) -> Iterator[str]:
    return (f"{indent}/// {line}" for line in text.splitlines() if line.strip())


def _table(table: Table) -> str:
    lines = [*_described(table.description, ""), f"table {quoted(table.name)}"]
    if table.is_calendar:
        lines.append("\tdataCategory: Time")
    lines.append("")
    for column in table.columns:
        lines += [*_column(column, is_key=column.source == table.key), ""]
    lines += [f"\tpartition {quoted(table.name)} = m", "\t\tmode: import", "\t\tsource ="]
    lines += [f"\t\t\t\t{line}" for line in _query(table)]
    return "\n".join([*lines, ""])


def _column(column: Column, is_key: bool) -> Iterator[str]:
    yield from _described(column.description, "\t")
    yield f"\tcolumn {quoted(column.name)}"
    yield f"\t\tdataType: {column.kind.tmdl}"
    if is_key:
        yield "\t\tisKey"
    if column.is_hidden:
        yield "\t\tisHidden"
    if column.kind.format:
        yield f"\t\tformatString: {column.kind.format}"
    yield "\t\tsummarizeBy: none"
    yield f"\t\tsourceColumn: {column.source}"


def _measures(model: Model) -> str:
    lines = [f"/// Each figure once, as dbt defines it.\ntable {quoted(MEASURES)}", ""]
    for measure in model.measures:
        lines += [*_measure(measure), ""]
    # A table has a column, and measures alone are shown as measures.
    lines += [
        "\tcolumn hidden",
        "\t\tdataType: string",
        "\t\tisHidden",
        "\t\tsummarizeBy: none",
        "\t\tsourceColumn: hidden",
        "",
        f"\tpartition {quoted(MEASURES)} = m",
        "\t\tmode: import",
        "\t\tsource = #table(type table [hidden = text], {})",
        "",
    ]
    return "\n".join(lines)


def _measure(measure: Measure) -> Iterator[str]:
    yield from _described(measure.description, "\t")
    yield f"\tmeasure {quoted(measure.name)} = {measure.expression}"
    yield f"\t\tformatString: {measure.format}"
    yield f"\t\tdisplayFolder: {measure.folder}"


def _query(table: Table) -> Iterator[str]:
    """The query of a table in M, the language of Power Query."""
    names = ", ".join(text_of(column.source) for column in table.columns)
    types = ", ".join(f"{{{text_of(column.source)}, {column.kind.m}}}" for column in table.columns)
    folders = " & ".join(f"Folder.Files({_folder(each)})" for each in table.files)
    conditions = [f"[{column}] = {text_of(value)}" for column, value in table.only.items()]
    if table.key:
        # A blank is nobody's key: rows without one find no row here.
        conditions.append(f"[{table.key}] <> null")
    yield "let"
    yield f'    Files = Table.SelectRows({folders}, each [Extension] = ".parquet"),'
    yield "    Contents = List.Transform(Files[Content], each Parquet.Document(_)),"
    # Without a file there are the columns still.
    yield f"    Rows = Table.SelectColumns(Table.Combine(Contents, {{{names}}}), {{{names}}}),"
    last = "Rows"
    if conditions:
        yield f"    Known = Table.SelectRows({last}, each {' and '.join(conditions)}),"
        last = "Known"
    if len(table.files) > 1:
        yield f"    Once = Table.Distinct({last}),"
        last = "Once"
    if table.is_calendar:
        # Months are in the names of files: a calendar of years in which nothing happened is no help.
        yield f"    All = Folder.Files({_folder('')}),"
        yield '    Names = Table.SelectRows(All, each [Extension] = ".parquet")[Name],'
        yield (
            "    Years = List.RemoveNulls(List.Transform(Names, each try "
            f"Number.FromText(Text.Start(Text.End(_, {len(_MONTH)}), 4)) otherwise null)),"
        )
        yield (
            "    Within = (year) => List.IsEmpty(Years)"
            " or (year >= List.Min(Years) and year <= List.Max(Years)),"
        )
        yield f"    Shown = Table.SelectRows({last}, each Within(Date.Year([{table.key}]))),"
        last = "Shown"
    yield f"    Typed = Table.TransformColumnTypes({last}, {{{types}}})"
    yield "in"
    yield "    Typed"


def _folder(table: str) -> str:
    # Power BI runs on Windows only.
    within = f"\\{METRICS}\\{table}".rstrip("\\")
    return f'#"{FOLDER}" & "{within}"'
