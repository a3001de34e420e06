"""`fakesnow` with what a load by dlt and the rows of all models need: `python -m
retail_assets_tests.snowflake_emulator PORT`.

Each function below stands in for one that refuses what Snowflake documents, or answers otherwise.
"""

import gzip
import io
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from string import Template
from typing import Any

import fakesnow.server as server
import fakesnow.transforms.transforms as statements
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
import uvicorn
from fakesnow import arrow, cursor, info_schema, transforms
from snowflake.connector.errors import Error, ProgrammingError
from snowflake.connector.util_text import split_statements
from sqlglot import exp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

QUERIES = "/queries/v1/query-request"
STATEMENTS = "/statements"

# What was sent, and what was said of it if it was refused.
answered: list[tuple[str, str | None]] = []


async def query(request: Request) -> Response:
    """dlt sends several statements in one request, which Snowflake runs one by one; the last one answers.

    An empty one is refused as Snowflake does it.
    """
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    asked = json.loads(body)
    answer: Response = _no("000900", "Empty SQL statement.")
    for statement in statements_of(asked["sqlText"]):
        if described := COMMENTED.match(statement):
            _describe(request, described)
            answered.append((statement, None))
            statement = "select 'Statement executed successfully.' as status"
        answer = (
            await server.query_request(_asking(request, asked | {"sqlText": _understood(statement)}))
            if statement
            else _no("000900", "Empty SQL statement.")
        )
        said = json.loads(bytes(answer.body))
        answered.append((statement, None if said["success"] else said["message"]))
        if not said["success"]:
            return answer
    return answer


async def tell(_: Request) -> Response:
    return JSONResponse(answered)


def statements_of(text: str) -> list[str]:
    """A request's statements. A semicolon at the end of all is none."""
    parts = [
        part.strip().removesuffix(";").strip()
        for part, _ in split_statements(io.StringIO(text), remove_comments=True)
    ]
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts or [""]


def _no(code: str, message: str) -> JSONResponse:
    data = {"errorCode": code, "sqlState": "42601"}
    return JSONResponse({"success": False, "code": code, "message": message, "data": data})


def _asking(request: Request, asked: Mapping[str, Any]) -> Request:
    """The request with another body."""
    headers = [each for each in request.scope["headers"] if each[0].lower() != b"content-encoding"]
    body = json.dumps(asked).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({**request.scope, "headers": headers}, receive)


STAGE = re.compile(r"'(@[^/']+)(/[^']*)?'")
LOAD_OPTION = re.compile(r",?\s*\b(BINARY_AS_TEXT|USE_LOGICAL_TYPE|USE_VECTORIZED_SCANNER)\s*=\s*\w+", re.I)
MATCHED = re.compile(r"\b(MATCH_BY_COLUMN_NAME)\s*=\s*'(\w+)'", re.I)


def _understood(statement: str) -> str:
    """PUT and COPY as the parser knows them: a stage without quotes, and no options that change nothing."""
    if not statement[:5].upper().startswith(("PUT ", "COPY ")):
        return statement
    statement = STAGE.sub(lambda found: found[1] + (found[2] or "").replace('"', ""), statement)
    return MATCHED.sub(r"\1=\2", LOAD_OPTION.sub("", statement))


COMMENTED = re.compile(r"alter\s+(?:table|view)\s+(\S+)\s+alter\s+(column\s+\S+\s+comment\s.*)", re.I | re.S)
COLUMN = re.compile(r"column\s+(\S+)\s+comment\s+('(?:[^']|'')*')", re.I)


def _describe(request: Request, described: re.Match[str]) -> None:
    """The comments of a table's columns, which the emulator forgets, are DuckDB's."""
    session = server.to_conn(server.to_token(request))
    for name, text in COLUMN.findall(described[2]):
        session._duck_conn.execute(f"comment on column {described[1]}.{name} is {text}".replace("\\\\", "\\"))


def _insert_comment(catalog: str, schema: str, table: str, text: str | None) -> str:
    """A table's comment may have an apostrophe, and there may be none."""
    return insert_comment(catalog, schema, table, (text or "").replace("'", "''"))


insert_comment: Callable[..., str] = info_schema.insert_table_comment_sql

execute: Callable[..., Any] = cursor.FakeSnowflakeCursor.execute


def _execute(self: Any, *arguments: Any, **options: Any) -> Any:
    """A statement that fails is an SQL error, not a broken server, which the connector asks again."""
    try:
        return execute(self, *arguments, **options)
    except Error:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise ProgrammingError(msg=said, errno=9999, sqlstate="99999") from error


explode: Callable[..., list[exp.Expr]] = cursor.FakeSnowflakeCursor._transform_explode


def _exploded(self: Any, statement: exp.Expr) -> list[exp.Expr]:
    """A MERGE that only inserts is one INSERT: the emulator's own way has a table that sessions share."""
    if not isinstance(statement, exp.Merge):
        return explode(self, statement)
    whens = statement.args["whens"].expressions
    insert = whens[0].args["then"]
    if len(whens) > 1 or whens[0].args.get("matched") or not isinstance(insert, exp.Insert):
        return explode(self, statement)

    def listed(nodes: Sequence[exp.Expr]) -> str:
        return ", ".join(node.sql("snowflake") for node in nodes)

    target = statement.this
    into = exp.table_(target.this, target.args.get("db"), target.args.get("catalog"))
    inserted = (
        f"insert into {into.sql('snowflake')} ({listed(insert.this.expressions)})"
        f" select {listed(insert.expression.expressions)} from {statement.args['using'].sql('snowflake')}"
        f" where not exists (select 1 from {target.sql('snowflake')}"
        f" where {statement.args['on'].sql('snowflake')})"
    )
    return [sqlglot.parse_one(inserted, read="snowflake")]


def _aggregate(expression: exp.Expr) -> exp.Expr:
    """A hash of rows is a sum of theirs. Sums of decimals stay: the emulator would cast them to double."""
    if not isinstance(expression, exp.HashAgg):
        return expression
    row = exp.Anonymous(this="hash", expressions=[expression.this, *expression.expressions])
    return exp.Sum(this=exp.cast(row, "hugeint", dialect="duckdb"))


struct_of: Callable[..., pa.StructArray] = arrow.timestamp_to_sf_struct


def _struct(times: pa.Array | pa.ChunkedArray) -> pa.StructArray:
    """A time that is null stays null in an answer, instead of becoming 1970."""
    if isinstance(times, pa.ChunkedArray):
        times = times.combine_chunks()
    filled = struct_of(pc.fill_null(times, pa.scalar(0, pa.int64()).cast(times.type)))
    fields = [filled.type.field(place) for place in range(filled.type.num_fields)]
    return pa.StructArray.from_arrays(filled.flatten(), fields=fields, mask=pc.is_null(times))


# A table's columns from the table alone: the emulator's own statement reads the whole catalog, all views in
# it too, which a build asks for hundreds of times.
DESCRIBED = Template("""
    select
        column_name as "name",
        case
            when column_type = 'BIGINT' then 'NUMBER(38,0)'
            when column_type like 'DECIMAL(%' then replace(column_type, 'DECIMAL', 'NUMBER')
            when column_type = 'VARCHAR' then 'VARCHAR(16777216)'
            when column_type = 'DOUBLE' then 'FLOAT'
            when column_type = 'TIMESTAMP' then 'TIMESTAMP_NTZ(9)'
            else column_type
        end as "type",
        'COLUMN' as "kind",
        case when "null" = 'YES' then 'Y' else 'N' end as "null?"
    from (describe "${catalog}"."${schema}"."${table}")
""")


REPLACED: Sequence[tuple[Any, str, Any]] = (
    (cursor.FakeSnowflakeCursor, "execute", _execute),
    (cursor.FakeSnowflakeCursor, "_transform_explode", _exploded),
    (transforms, "numeric_agg_implicit_cast", _aggregate),
    (arrow, "timestamp_to_sf_struct", _struct),
    (statements, "SQL_DESCRIBE_TABLE", DESCRIBED),
    (info_schema, "insert_table_comment_sql", _insert_comment),
)


def emulator() -> Starlette:
    """The server, with all of this."""
    for place, name, value in REPLACED:
        setattr(place, name, value)
    others = [route for route in server.routes if route.path != QUERIES]
    return Starlette(routes=[Route(QUERIES, query, methods=["POST"]), Route(STATEMENTS, tell), *others])


if __name__ == "__main__":
    uvicorn.run(emulator(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
