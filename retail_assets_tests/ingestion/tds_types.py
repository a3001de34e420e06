"""Values of SQL Server's types as its protocol writes them (TDS 7.4)."""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

# Latin1_General_CI_AS.
COLLATION = bytes.fromhex("0904d00034")
_TICKS = 10**7


@dataclass(frozen=True)
class Type:
    """A type as T-SQL writes it, such as `decimal(19,4)`."""

    written: str

    @property
    def name(self) -> str:
        return self.written.partition("(")[0]

    @property
    def arguments(self) -> list[int]:
        return [-1 if each == "max" else int(each) for each in re.findall(r"\w+", self.written)[1:]]

    @property
    def size(self) -> int:
        """`max_length` of sys.columns: bytes."""
        if self.name in _INTEGERS:
            return _INTEGERS[self.name]
        if self.name in _TEXTS:
            length = (self.arguments or [1])[0]
            return length * 2 if self.name.startswith("n") and length > 0 else length
        return (self.arguments or [8])[0]

    @property
    def precision(self) -> int:
        return (self.arguments or [0])[0] if self.name in ("decimal", "numeric") else 0

    @property
    def scale(self) -> int:
        """Digits behind the point, or of a second."""
        if self.name in ("decimal", "numeric"):
            return self.arguments[1]
        return (self.arguments or [7])[0] if self.name in ("time", "datetime2", "datetimeoffset") else 0


_INTEGERS = {"tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}
_TEXTS = {"varchar": 0xA7, "char": 0xAF, "nvarchar": 0xE7, "nchar": 0xEF}
_BINARY = {"varbinary": 0xA5, "binary": 0xAD, "timestamp": 0xAD}
# The token, and what follows it.
_FIXED = {
    "bit": b"\x68\x01",
    "real": b"\x6d\x04",
    "float": b"\x6d\x08",
    "smallmoney": b"\x6e\x04",
    "money": b"\x6e\x08",
    "smalldatetime": b"\x6f\x04",
    "datetime": b"\x6f\x08",
    "date": b"\x28",
    "uniqueidentifier": b"\x24\x10",
}
_SCALED = {"time": 0x29, "datetime2": 0x2A, "datetimeoffset": 0x2B}


def type_info(kind: Type) -> bytes:
    """What a column's description says of its type."""
    if kind.name in _INTEGERS:
        return bytes([0x26, _INTEGERS[kind.name]])
    if kind.name in _FIXED:
        return _FIXED[kind.name]
    if kind.name in _SCALED:
        return bytes([_SCALED[kind.name], kind.scale])
    if kind.name in ("decimal", "numeric"):
        return bytes([0x6A if kind.name == "decimal" else 0x6C, 17, kind.precision, kind.scale])
    if kind.name in _BINARY:
        return bytes([_BINARY[kind.name]]) + struct.pack("<H", kind.size)
    size = 0xFFFF if kind.size < 0 else kind.size
    return bytes([_TEXTS[kind.name]]) + struct.pack("<H", size) + COLLATION


def written(kind: Type, value: Any) -> bytes:
    """A value of a row."""
    if kind.name in _TEXTS or kind.name in _BINARY:
        return _long(kind, value)
    if value is None:
        return b"\0"
    encoded = _WRITERS[kind.name](value, kind)
    return bytes([len(encoded)]) + encoded


def _long(kind: Type, value: Any) -> bytes:
    if value is not None and kind.name in _TEXTS:
        value = value.ljust((kind.arguments or [1])[0]) if kind.name in ("char", "nchar") else value
        value = str(value).encode("utf-16-le" if kind.name.startswith("n") else "cp1252")
    if kind.size < 0:
        if value is None:
            return b"\xff" * 8
        chunk = struct.pack("<I", len(value)) + bytes(value) if value else b""
        return struct.pack("<Q", len(value)) + chunk + struct.pack("<I", 0)
    return b"\xff\xff" if value is None else struct.pack("<H", len(value)) + bytes(value)


def _integer(value: Any, kind: Type) -> bytes:
    return int(value).to_bytes(_INTEGERS[kind.name], "little", signed=kind.name != "tinyint")


def _decimal(value: Any, kind: Type) -> bytes:
    digits = int(Decimal(value).scaleb(kind.scale))
    return bytes([digits >= 0]) + abs(digits).to_bytes(16, "little")


def _money(value: Any, kind: Type) -> bytes:
    digits = int(Decimal(value).scaleb(4))
    if kind.name == "smallmoney":
        return struct.pack("<i", digits)
    return struct.pack("<iI", digits >> 32, digits & 0xFFFF_FFFF)


def _datetime(value: datetime, kind: Type) -> bytes:
    days = (value.date() - date(1900, 1, 1)).days
    since = value - datetime.combine(value.date(), time(), value.tzinfo)
    if kind.name == "smalldatetime":
        return struct.pack("<HH", days, since // timedelta(minutes=1))
    return struct.pack("<iI", days, round(since / timedelta(seconds=1) * 300))


def _day(value: date) -> bytes:
    return (value - date(1, 1, 1)).days.to_bytes(3, "little")


def _clock(ticks: int, kind: Type) -> bytes:
    size = 3 if kind.scale <= 2 else 4 if kind.scale <= 4 else 5
    unit: int = 10 ** (7 - kind.scale)
    return (ticks // unit).to_bytes(size, "little")


def _time(value: time, kind: Type) -> bytes:
    return _clock(_ticks(datetime.combine(date(1, 1, 1), value)), kind)


def _datetime2(value: datetime | tuple[datetime, int], kind: Type) -> bytes:
    """A value may have a seventh digit: it is a pair of a moment and hundreds of nanoseconds then."""
    moment, more = value if isinstance(value, tuple) else (value, 0)
    return _clock(_ticks(moment) + more, kind) + _day(moment.date())


def _datetimeoffset(value: datetime, kind: Type) -> bytes:
    utc = value.astimezone(UTC).replace(tzinfo=None)
    offset = value.utcoffset() or timedelta()
    return _datetime2(utc, kind) + struct.pack("<h", offset // timedelta(minutes=1))


def _ticks(moment: datetime) -> int:
    since = moment - datetime.combine(moment.date(), time(), moment.tzinfo)
    return since // timedelta(microseconds=1) * (_TICKS // 10**6)


_WRITERS: dict[str, Callable[[Any, Type], bytes]] = {
    **dict.fromkeys(_INTEGERS, _integer),
    "bit": lambda value, _: bytes([bool(value)]),
    "real": lambda value, _: struct.pack("<f", value),
    "float": lambda value, _: struct.pack("<d", value),
    "smallmoney": _money,
    "money": _money,
    "decimal": _decimal,
    "numeric": _decimal,
    "smalldatetime": _datetime,
    "datetime": _datetime,
    "date": lambda value, _: _day(value),
    "time": _time,
    "datetime2": _datetime2,
    "datetimeoffset": _datetimeoffset,
    "uniqueidentifier": lambda value, _: UUID(str(value)).bytes_le,
}


def read(data: bytes, place: int) -> tuple[Any, int]:
    """A parameter's value, after its TYPE_INFO, and where the next one begins."""
    token, place = data[place], place + 1
    if token in (0xA7, 0xAF, 0xE7, 0xEF, 0xA5, 0xAD):
        return _read_long(data, place, token)
    if token == 0x28:
        scale, place = 0, place
    elif token in _SCALED.values():
        scale, place = data[place], place + 1
    elif token in (0x6A, 0x6C):
        scale, place = data[place + 2], place + 3
    else:
        scale, place = 0, place + 1
    length = data[place]
    raw, place = data[place + 1 : place + 1 + length], place + 1 + length
    return (_read(token, raw, scale) if length else None), place


def _read_long(data: bytes, place: int, token: int) -> tuple[Any, int]:
    (size,) = struct.unpack_from("<H", data, place)
    place += 2 + (0 if token in (0xA5, 0xAD) else 5)
    if size == 0xFFFF:
        raw, place = b"", place + 8
        while (length := struct.unpack_from("<I", data, place)[0]) != 0:
            raw, place = raw + data[place + 4 : place + 4 + length], place + 4 + length
        place += 4
    else:
        (length,) = struct.unpack_from("<H", data, place)
        place += 2
        if length == 0xFFFF:
            return None, place
        raw, place = data[place : place + length], place + length
    if token in (0xA5, 0xAD):
        return raw, place
    return raw.decode("utf-16-le" if token in (0xE7, 0xEF) else "cp1252"), place


def _read(token: int, raw: bytes, scale: int) -> Any:
    if token in (0x26, 0x68):
        return int.from_bytes(raw, "little", signed=len(raw) > 1)
    if token == 0x6D:
        return struct.unpack("<d" if len(raw) == 8 else "<f", raw)[0]
    if token in (0x6A, 0x6C):
        digits = int.from_bytes(raw[1:], "little")
        return Decimal(digits if raw[0] else -digits).scaleb(-scale)
    if token in (0x2A, 0x2B):
        if token == 0x2B:
            raw = raw[:-2]
        day = datetime.combine(date.min, time()) + timedelta(days=int.from_bytes(raw[-3:], "little"))
        ticks = int.from_bytes(raw[:-3], "little") * 10 ** (7 - scale)
        return day + timedelta(microseconds=ticks // 10)
    raise NotImplementedError(f"parameters of type {token:#x}")
