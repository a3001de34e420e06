"""A server of SQL Server's protocol, for the tests: real drivers talk to it over a socket.

It has tables and their rows, answers what SQLAlchemy asks to reflect them, and runs SELECTs in DuckDB. A
session that asks for it sees one moment of them. Rules make it refuse, hang up or say nothing.
"""

import re
import socket
import socketserver
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import sqlglot
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlglot import exp

from retail_assets_tests.ingestion.tds_types import COLLATION, Type, read, type_info, written

BATCH, RPC, ATTENTION, TRANSACTION, LOGIN, PRELOGIN = 1, 3, 6, 14, 16, 18
_PACKET = 4096 - 8
_TEXT = Type("nvarchar(4000)")
Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True)
class Refusal:
    """An error of the server's, with its number."""

    number: int
    message: str
    severity: int = 16


@dataclass(frozen=True)
class HangUp:
    """The connection is closed, after so many bytes of the answer."""

    after: int = 0


@dataclass(frozen=True)
class Silence:
    """Nothing is answered to that, as while a query runs."""


@dataclass
class Relation:
    """A table or view: its columns' types by name, and rows. It may stand behind a synonym.

    Some columns are of types that the database has named itself, or are computed.
    """

    columns: Mapping[str, str]
    rows: Sequence[Row] = ()
    is_view: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, str] = field(default_factory=dict)
    has_snapshots: bool = True


@dataclass(frozen=True)
class Result:
    """Columns and rows, as they are sent, all rows so many times."""

    columns: Sequence[tuple[str, Type]]
    rows: Sequence[Row]
    times: int = 1


@dataclass
class Server:
    """What a server has and does. Names are `Schema.Name`."""

    relations: Mapping[str, Relation]
    synonyms: Mapping[str, str] = field(default_factory=dict)
    rules: list[tuple[str, Refusal | HangUp | Silence]] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    logins: Mapping[str, str] = field(default_factory=lambda: {"reader": "Secret-1"})
    has_snapshots: bool = False
    tls: ssl.SSLContext | None = None
    times: int = 1  # how often a table's rows are sent, for benchmarks
    port: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def url(self, driver: str, login: str = "reader:Secret-1", **query: str | int) -> str:
        """The URL for a driver of SQLAlchemy's."""
        more: dict[str, str | int] = {}
        if self.tls is None:
            more = {"Encrypt": "no"} if driver == "mssqlpython" else {"encryption": "off"}
        said = "&".join(f"{name}={value}" for name, value in (more | query).items())
        return f"mssql+{driver}://{login}@127.0.0.1:{self.port}/Shop?{said}"

    def rule(self, request: str) -> Refusal | HangUp | Silence | None:
        """What is done about a request instead of answering it."""
        return next((rule for pattern, rule in self.rules if re.search(pattern, request)), None)

    def seen(self) -> dict[str, Relation]:
        """What is not hidden."""
        return {name: each for name, each in self.relations.items() if name not in self.hidden}


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server on a port of its own."""

    class Listener(socketserver.ThreadingTCPServer):
        daemon_threads = True

    session = type("Session", (_Session,), {"served": server})
    with Listener(("127.0.0.1", 0), session) as listener:
        server.port = listener.server_address[1]
        threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.stopped.set()
            listener.shutdown()


class _Session(socketserver.StreamRequestHandler):
    served: Server
    is_snapshot = False
    moment: Mapping[str, Relation] | None = None

    def _relations(self) -> Mapping[str, Relation]:
        """As they are; or as they were when the transaction first read something."""
        there = self.served.seen()
        if not self.is_snapshot:
            return there
        if self.moment is None:
            self.moment = {name: replace(each, rows=[*each.rows]) for name, each in there.items()}
        return self.moment

    def _note(self, kind: int, request: str) -> None:
        """What a request says of transactions."""
        if said := _ISOLATION.search(request):
            self.is_snapshot = said[1].upper() == "SNAPSHOT"
        if kind == TRANSACTION or re.search(r"\b(commit|rollback)\b", request, re.IGNORECASE):
            self.moment = None

    def handle(self) -> None:
        try:
            while message := self._received():
                request = _request(*message)
                self.served.asked.append(request)
                rule = self.served.rule(request)
                if isinstance(rule, Silence):
                    continue
                answer = _error(rule) if isinstance(rule, Refusal) else self._answered(message[0], request)
                if isinstance(rule, HangUp):
                    self._send(answer[: rule.after], is_whole=False)
                    return
                self._send(answer)
                if self.served.tls and message[0] == PRELOGIN:
                    self._encrypt(self.served.tls)
        except (ConnectionError, ValueError, ssl.SSLError):
            # The client has gone, or does not trust the certificate.
            return

    def _answered(self, kind: int, request: str) -> bytes:
        if kind == PRELOGIN:
            return _prelogin(is_encrypted=self.served.tls is not None)
        if kind == LOGIN:
            user, _, password = request.partition(" ")[2].partition(":")
            is_known = self.served.logins.get(user) == password
            return _login() if is_known else _error(Refusal(18456, f"Login failed for user '{user}'.", 14))
        if kind == ATTENTION:
            return _done(0xFD, 0x0020)
        if kind == TRANSACTION:
            self._note(kind, request)
            return _transaction(request)
        is_rpc = kind == RPC
        self._note(kind, request)
        try:
            result = _result(self.served, request, self._relations, self.is_snapshot)
        except LookupError as error:
            return _error(Refusal(208, str(error)))
        except PermissionError as error:
            return _error(Refusal(3952, str(error)))
        return _encoded(result, is_rpc)

    def _received(self) -> tuple[int, bytes] | None:
        content = b""
        while len(header := self.rfile.read(8)) == 8:
            kind, status, length = struct.unpack_from(">BBH", header)
            content += self.rfile.read(length - 8)
            if status & 1:
                return kind, content
        return None

    def _encrypt(self, context: ssl.SSLContext) -> None:
        """Shake hands, in packets of the protocol's; what follows is sent within TLS."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        is_done = False
        while not is_done:
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
                is_done = True
            if said := outgoing.read():
                self.wfile.write(struct.pack(">BBHHBB", PRELOGIN, 1, len(said) + 8, 0, 0, 0) + said)
            if not is_done:
                message = self._received()
                if message is None:
                    raise ConnectionError
                incoming.write(message[1])
        within: Any = _Tls(self.connection, tls, incoming, outgoing)
        self.rfile = self.wfile = within

    def _send(self, content: bytes, is_whole: bool = True) -> None:
        for number, start in enumerate(range(0, len(content), _PACKET), start=1):
            part = content[start : start + _PACKET]
            is_last = is_whole and start + _PACKET >= len(content)
            header = struct.pack(">BBHHBB", 4, is_last, len(part) + 8, 51, number % 256, 0)
            self.wfile.write(header + part)


class _Tls:
    """Reads and writes within TLS, as the file that it takes the place of."""

    closed = False

    def __init__(
        self, connection: socket.socket, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ):
        self._connection = connection
        self._tls = tls
        self._incoming = incoming
        self._outgoing = outgoing

    def read(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            try:
                content += self._tls.read(size - len(content))
            except ssl.SSLWantReadError:
                received = self._connection.recv(65536)
                if not received:
                    break
                self._incoming.write(received)
        return content

    def write(self, content: bytes) -> None:
        self._tls.write(content)
        self._connection.sendall(self._outgoing.read())

    def flush(self) -> None:
        return

    def close(self) -> None:
        self.closed = True


def certified(folder: Path) -> ssl.SSLContext:
    """A context with a certificate that nobody has signed, for a server that encrypts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(pem)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # What follows a handshake in TLS 1.3 is in no packets.
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(path)
    return context


def _request(kind: int, content: bytes) -> str:
    """A request as text, with its parameters in it, so that it is the same whatever the driver."""
    if kind == PRELOGIN:
        return "prelogin"
    if kind == LOGIN:
        return f"login {_string(content, 40)}:{_string(content, 44, is_password=True)}"
    if kind == ATTENTION:
        return "attention"
    # Behind the headers, where the transaction is.
    body = content[struct.unpack_from("<I", content)[0] :]
    if kind == BATCH:
        return body.decode("utf-16-le")
    if kind == TRANSACTION:
        return f"transaction {struct.unpack_from('<H', body)[0]}"
    return _called(body)


def _string(content: bytes, place: int, is_password: bool = False) -> str:
    offset, length = struct.unpack_from("<HH", content, place)
    raw = content[offset : offset + 2 * length]
    if is_password:
        raw = bytes(((each ^ 0xA5) << 4 & 0xF0) | ((each ^ 0xA5) >> 4) for each in raw)
    return raw.decode("utf-16-le")


def _called(body: bytes) -> str:
    """The SQL of a call of sp_prepexec; the name of another procedure."""
    length, number = struct.unpack_from("<HH", body)
    if length != 0xFFFF or number != 13:
        return f"procedure {number}"
    place, values = 6, []
    while place < len(body) and body[place] not in (0x80, 0xFF):
        place += 2 + 2 * body[place]
        value, place = read(body, place)
        values.append(value)
    _, _, text, *parameters = values
    for position, value in reversed(list(enumerate(parameters, start=1))):
        text = text.replace(f"@P{position}", _literal(value))
    return str(text)


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, datetime):
        return f"'{value}'"
    return "N'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


_ISOLATION = re.compile(r"set transaction isolation level (\w+)", re.IGNORECASE)


def _result(
    server: Server, query: str, relations: Callable[[], Mapping[str, Relation]], is_snapshot: bool
) -> Result | None:
    """The rows of a query; None of what is no query."""
    if not re.match(r"\s*select\b", query, re.IGNORECASE):
        return None
    names = [name.replace("''", "'") for name in re.findall(r"N'((?:[^']|'')*)'", query)]
    for part, answer in _CATALOG:
        if part in query:
            return answer(server, names)
    return _selected(server, query, relations(), is_snapshot)


def _texts(*columns: str, rows: Sequence[Row]) -> Result:
    return Result([(column, _TEXT) for column in columns], rows)


def _places(server: Server) -> list[tuple[str, str]]:
    return [(schema, name) for schema, _, name in (each.partition(".") for each in sorted(server.seen()))]


def _tables(server: Server, names: Sequence[str]) -> Result:
    schema, kind = names[0], names[-1]
    rows = [
        (name,)
        for place, name in _places(server)
        if place == schema and server.relations[f"{place}.{name}"].is_view == (kind == "VIEW")
    ]
    return _texts("TABLE_NAME", rows=rows)


def _schemata(server: Server, _: Sequence[str]) -> Result:
    named = (each.partition(".")[0] for each in server.synonyms)
    found = {"dbo", "sys", *(schema for schema, _ in _places(server)), *named}
    return _texts("SCHEMA_NAME", rows=[(schema,) for schema in sorted(found)])


def _objects(server: Server, names: Sequence[str]) -> Result:
    rows = [(name,) for schema, name in _places(server) if schema in names and name in names]
    return _texts("name", rows=rows)


_OF_COLUMNS = {
    **dict.fromkeys(("table_name", "owner", "column_name", "type_name", "base_type"), _TEXT),
    "is_nullable": Type("bit"),
    "max_length": Type("smallint"),
    "precision": Type("tinyint"),
    "scale": Type("tinyint"),
    **dict.fromkeys(("default_value", "collation_name", "computed_definition"), _TEXT),
    "is_persisted": Type("bit"),
    "is_identity": Type("bit"),
    "seed_value": Type("numeric(38,0)"),
    "increment_value": Type("numeric(38,0)"),
    "comment": _TEXT,
    "column_id": Type("int"),
}


def _columns(server: Server, names: Sequence[str]) -> Result:
    rows = []
    for schema, name in _places(server):
        if schema in names and name in names:
            relation = server.relations[f"{schema}.{name}"]
            for number, (column, type_name) in enumerate(relation.columns.items()):
                kind = Type(type_name)
                sizes = (True, kind.size, kind.precision, kind.scale)
                named = relation.aliases.get(column, kind.name)
                formula = relation.computed.get(column)
                more = (None, None, formula, formula and False, *[None] * 4)
                rows.append((name, schema, column, named, kind.name, *sizes, *more, number + 1))
    return Result(list(_OF_COLUMNS.items()), rows)


def _synonyms(server: Server, _: Sequence[str]) -> Result:
    return _texts("name", "name", rows=[tuple(each.split(".")) for each in server.synonyms])


def _described(server: Server, names: Sequence[str]) -> Result:
    place = ".".join(re.findall(r"\[(\w+)\]", names[0]))
    behind = server.seen().get(server.synonyms[place])
    columns = ("name", "system_type_name", "error_message")
    if behind is None:
        return _texts(*columns, rows=[(None, None, f"Invalid object name '{place}'.")])
    return _texts(*columns, rows=[(*each, None) for each in behind.columns.items()])


_VERSION = "Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64)"
_CATALOG: Sequence[tuple[str, Callable[[Server, Sequence[str]], Result]]] = (
    ("@@version", lambda *_: _texts("", rows=[(_VERSION,)])),
    ("schema_name()", lambda *_: _texts("", rows=[("dbo",)])),
    ("sys.system_views", lambda *_: _texts("name", rows=[("dm_exec_sessions",)])),
    ("sys.dm_exec_sessions", lambda *_: _texts("", rows=[("READ COMMITTED",)])),
    ("test max support", lambda *_: _texts("", rows=[("test max support",)])),
    ("fn_listextendedproperty", lambda *_: _texts("", rows=[])),
    ("dm_exec_describe_first_result_set", _described),
    ("INFORMATION_SCHEMA].[TABLES", _tables),
    ("INFORMATION_SCHEMA].[SCHEMATA", _schemata),
    ("sys.databases", lambda server, _: _texts("", rows=[("ON" if server.has_snapshots else "OFF",)])),
    ("sys.synonyms", _synonyms),
    ("sys.columns", _columns),
    ("sys.objects", _objects),
)
# What DuckDB computes, as SQL Server would have it.
_COMPUTED = {"INTEGER": "int", "BIGINT": "bigint", "HUGEINT": "decimal(38,0)", "DOUBLE": "float"}
_IN_DUCKDB = {
    **{"money": "decimal(19,4)", "smallmoney": "decimal(10,4)", "float": "double", "bit": "boolean"},
    **{"datetime2": "timestamp_ns", "datetime": "timestamp", "smalldatetime": "timestamp", "time": "time"},
    **{"datetimeoffset": "timestamptz", "uniqueidentifier": "uuid", "tinyint": "utinyint"},
    **dict.fromkeys(("binary", "varbinary", "timestamp", "xml", "geography", "hierarchyid"), "blob"),
    **dict.fromkeys(("char", "nchar", "varchar", "nvarchar"), "varchar"),
}


def _selected(server: Server, query: str, relations: Mapping[str, Relation], is_snapshot: bool) -> Result:
    """The rows that DuckDB finds; the values are those of the table, which DuckDB cannot hold all."""
    tree: Any = sqlglot.parse_one(query, read="tsql")
    known: dict[str, Type] = {}
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        for place in {f"{table.db or 'dbo'}.{table.name}" for table in tree.find_all(exp.Table)}:
            relation = relations.get(server.synonyms.get(place, place))
            if relation is None:
                raise LookupError(f"Invalid object name '{place}'.")
            if is_snapshot and not relation.has_snapshots:
                raise PermissionError(
                    "Snapshot isolation transaction failed accessing database 'Other' because snapshot"
                    " isolation is not allowed in this database."
                )
            known |= {name: Type(kind) for name, kind in relation.columns.items()}
            _fill(database, place, relation)
        for table in tree.find_all(exp.Table):
            if not table.db:
                table.set("db", exp.to_identifier("dbo", quoted=True))
        found = database.sql(tree.sql(dialect="duckdb"))
        kinds = [
            _kind_of(each, known, str(computed))
            for each, computed in zip(tree.selects, found.types, strict=True)
        ]
        columns = list(zip(found.columns, kinds, strict=True))
        return Result(columns, _exact(found, kinds), server.times)


def _kind_of(selected: exp.Expression, known: Mapping[str, Type], computed: str) -> Type:
    column = selected.unalias()
    if isinstance(column, exp.Column) and column.name in known:
        return known[column.name]
    return Type(_COMPUTED.get(computed, "nvarchar(4000)"))


def _fill(database: duckdb.DuckDBPyConnection, place: str, relation: Relation) -> None:
    schema, _, name = place.partition(".")
    columns = ", ".join(
        f'"{column}" {_IN_DUCKDB.get(Type(kind).name, kind)}' for column, kind in relation.columns.items()
    )
    database.execute(f'create schema if not exists "{schema}"')
    database.execute(f'create table "{schema}"."{name}" ({columns})')
    if relation.rows:
        marks = ", ".join("?" * len(relation.columns))
        rows = [[_plain(value) for value in row] for row in relation.rows]
        database.executemany(f'insert into "{schema}"."{name}" values ({marks})', rows)


def _plain(value: Any) -> Any:
    """A moment with a seventh digit as DuckDB takes it."""
    return f"{value[0]:%Y-%m-%d %H:%M:%S.%f}{value[1]}" if isinstance(value, tuple) else value


def _exact(found: duckdb.DuckDBPyRelation, kinds: Sequence[Type]) -> list[Row]:
    """Rows with the seventh digit of a datetime2, which Python's moments have not."""
    columns: list[Sequence[Any]] = []
    for position, name in enumerate(found.columns):
        quoted = f'"{name}"'
        if kinds[position].name == "datetime2":
            moments = found.project(f"cast({quoted} as varchar)").fetchall()
            columns.append([None if text is None else _moment(text) for (text,) in moments])
        else:
            columns.append([value for (value,) in found.project(quoted).fetchall()])
    return list(zip(*columns, strict=True))


def _moment(text: str) -> tuple[datetime, int]:
    whole, _, fraction = text.partition(".")
    digits = fraction.ljust(7, "0")
    moment = datetime.fromisoformat(whole).replace(microsecond=int(digits[:6]), tzinfo=UTC)
    return moment.replace(tzinfo=None), int(digits[6])


def _encoded(result: Result | None, is_rpc: bool) -> bytes:
    content = b""
    if result is not None:
        content = struct.pack("<BH", 0x81, len(result.columns))
        for name, kind in result.columns:
            content += struct.pack("<IH", 0, 9) + type_info(kind) + _short(name)
        rows_sent = (
            b"\xd1"
            + b"".join(written(kind, value) for (_, kind), value in zip(result.columns, row, strict=True))
            for row in result.rows
        )
        content += b"".join(rows_sent) * result.times
    rows = 0 if result is None else len(result.rows) * result.times
    if not is_rpc:
        return content + _done(0xFD, 0x0010, rows)
    # The handle of what was prepared.
    handle = struct.pack("<BHBBIH", 0xAC, 0, 0, 1, 0, 0) + b"\x26\x04\x04" + struct.pack("<i", 1)
    returned = struct.pack("<Bi", 0x79, 0)
    return content + _done(0xFF, 0x0011, rows) + returned + handle + _done(0xFE, 0)


def _done(token: int, status: int, rows: int = 0) -> bytes:
    return struct.pack("<BHHQ", token, status, 0xC1 if rows else 0, rows)


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _error(refusal: Refusal) -> bytes:
    message = refusal.message.encode("utf-16-le")
    content = struct.pack("<iBBH", refusal.number, 1, refusal.severity, len(message) // 2) + message
    content += _short("tests") + _short("") + struct.pack("<I", 1)
    return struct.pack("<BH", 0xAA, len(content)) + content + _done(0xFD, 0x0002)


def _changed(kind: int, new: bytes, old: bytes = b"\0") -> bytes:
    content = bytes([kind]) + new + old
    return struct.pack("<BH", 0xE3, len(content)) + content


def _prelogin(is_encrypted: bool) -> bytes:
    """The version, encryption for everything or none, no instance, no thread, no MARS."""
    values = {
        0: bytes([15, 0, 7, 208, 0, 0]),
        1: b"\x01" if is_encrypted else b"\x02",
        2: b"\0",
        3: b"",
        4: b"\0",
    }
    offset, head, data = 5 * len(values) + 1, b"", b""
    for number, value in values.items():
        head += struct.pack(">BHH", number, offset + len(data), len(value))
        data += value
    return head + b"\xff" + data


def _login() -> bytes:
    name = "Microsoft SQL Server"
    acknowledged = b"\x01" + bytes.fromhex("74000004") + _short(name) + bytes([15, 0, 7, 208])
    return (
        _changed(1, _short("Shop"), _short("master"))
        + _changed(7, bytes([5]) + COLLATION)
        + _changed(4, _short("4096"), _short("4096"))
        + struct.pack("<BH", 0xAD, len(acknowledged))
        + acknowledged
        + _done(0xFD, 0)
    )


def _transaction(request: str) -> bytes:
    """Begin; or the end of one, and the next one's begin."""
    mark = bytes([8]) + struct.pack("<Q", 1)
    ended = {"transaction 7": 9, "transaction 8": 10}.get(request)
    return (_changed(ended, b"\0", mark) if ended else b"") + _changed(8, mark) + _done(0xFD, 0)
