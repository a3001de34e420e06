"""All configuration, in one typed place: environment variables `RETAIL_*`.

`retail.env` in the state folder may hold the same names; `retail-assets demo` writes one for the
simulated retailer. The environment wins over the file.
"""

import os
import re
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from retail_assets.errors import UserError
from retail_assets.limits import no_limit
from retail_assets.windows import midnight

PREFIX = "RETAIL_"
SYSTEMS = ("erp", "webshop", "crm", "inventory", "marketing", "geo")
FORMATS = ("parquet", "csv", "xlsx")
# Lists that are shipped, in a folder for each system that they are of: they enrich what sources name.
REFERENCE = Path(__file__).parent / "reference"


# What an environment is, unless a setting says otherwise. All of them stand here: none falls back to another.
Environment = Literal["local", "staging", "production"]
ENVIRONMENTS: Mapping[Environment, Mapping[str, str]] = {
    "local": {"warehouse": "duckdb", "snowflake_database": "RETAIL_LOCAL"},
    "staging": {"warehouse": "snowflake", "snowflake_database": "RETAIL_STAGING"},
    "production": {"warehouse": "snowflake", "snowflake_database": "RETAIL"},
}

# What a limit may name, and what is said of one that cannot be read. Of restatements: a measure, a mart, or a
# measure of one mart.
_LIMITS = {
    "quarantine_limits": (r"\w+\.\w+", "5%, or erp.sales_order_detail=1000"),
    "restatement_limits": (r"\w+(\.\w+)?", "20%, net_sales=1000 or sales_performance=5%"),
}

# Variables that are none of a user's settings: the deployment sets them for its own processes.
_OTHERS = {f"{PREFIX}{name}" for name in ("EVENT_LOG_DIR", "CODE_SERVER_HOST", "CODE_SERVER_PORT")}
# Settings that went, with what took their place.
_RENAMED = {f"{PREFIX}ALERT_WEBHOOK_URL": f"{PREFIX}ALERT_URLS"}

_DEMO_SQLITE = "Default: the SQLite file of the demo."


_NOT_IN_A_PATH = "?%'"


class SettingsError(UserError):
    """A setting that cannot be used; the message says which variable and what to do."""


class Settings(BaseSettings):
    """The deployment's settings. A field `erp_url` is the variable `RETAIL_ERP_URL`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="ignore", frozen=True, env_ignore_empty=True, hide_input_in_errors=True
    )

    home: Path = Field(
        Path(".retail"), description="Folder of all state: warehouse, Dagster's history, logs."
    )
    sources: str = Field(", ".join(SYSTEMS), description="Systems to ingest, separated by commas.")
    erp_url: str = Field(
        "", description=f"SQLAlchemy URL of the ERP, or a folder of its files. {_DEMO_SQLITE}"
    )
    webshop_url: str = Field(
        "",
        description="Folder of the web shop's files, a URL that fsspec opens (`s3://...`), or a SQLAlchemy"
        " URL. Default: the folder of the demo.",
    )
    crm_url: str = Field("", description=f"SQLAlchemy URL of the CRM. {_DEMO_SQLITE}")
    inventory_url: str = Field("", description=f"SQLAlchemy URL of the inventory system. {_DEMO_SQLITE}")
    marketing_url: str = Field("", description=f"SQLAlchemy URL of the marketing system. {_DEMO_SQLITE}")
    geo_url: str = Field(
        "",
        description="Folder of the shops, and of places if the shipped list of states and countries is not to"
        " be used; or a URL that fsspec opens. Default: the folder of the demo, or else no shops.",
    )
    erp_mapping: str = Field(
        "",
        description="Mapping of the ERP's tables to the contract: a YAML file, or a shipped one by its name"
        " (`adventureworks`). Default: tables and columns have the contract's names.",
    )
    webshop_mapping: str = Field(
        "",
        description="The same for the web shop; `shopify`, `thelook`, `woocommerce` and"
        " `woocommerce-posts` are shipped.",
    )
    crm_mapping: str = Field("", description="The same for the CRM; `shopify` is shipped.")
    inventory_mapping: str = Field("", description="The same for the inventory system; `shopify` is shipped.")
    marketing_mapping: str = Field("", description="The same for the marketing system.")
    geo_mapping: str = Field("", description="The same for the shops and places.")
    erp_timezone: str = Field("UTC", description="Time zone of times in the ERP that name none (IANA name).")
    webshop_timezone: str = Field(
        "UTC", description="Time zone of times in the web shop that name none (IANA name)."
    )
    crm_timezone: str = Field("UTC", description="Time zone of times in the CRM that name none (IANA name).")
    inventory_timezone: str = Field(
        "UTC", description="Time zone of times in the inventory system that name none (IANA name)."
    )
    marketing_timezone: str = Field(
        "UTC", description="Time zone of times in the marketing system that name none (IANA name)."
    )
    geo_timezone: str = Field(
        "UTC", description="Time zone of times in the shops and places that name none (IANA name)."
    )
    overlap_hours: int = Field(
        24,
        ge=0,
        description="How many hours before a window databases are read from, for rows that are committed "
        "late. Checks report rows that come later still.",
    )
    most_gone: float = Field(
        0.1,
        ge=0,
        le=1,
        description="The share of a table's rows that may be gone from a database when a week's last day is "
        "read; 20 rows may in any case, unless it is 0. If more are gone, none is marked as deleted, and a"
        " check says so.",
    )
    start_date: date = Field(date(2024, 1, 1), description="The retailer's first day.")
    end_date: date | None = Field(
        None, description="The last day, included. Default: none, partitions go on to yesterday."
    )
    days_behind: int = Field(
        0,
        ge=0,
        description="Days by which the retailer's calendar is behind the clock. Only that of a demo is, which"
        " catches up with `retail-assets demo next`.",
    )
    timezone: str = Field("UTC", description="Time zone of the retailer's days (IANA name).")
    environment: Environment = Field(
        "local",
        description="`local`, `staging` or `production`. The warehouse is DuckDB in `local`, and a separate"
        " Snowflake database in each of the others.",
    )
    warehouse: Literal["duckdb", "snowflake"] = Field(
        "duckdb",
        description="Where the warehouse is: `duckdb` (a file in the home) or `snowflake`. Default: the"
        " environment's.",
    )
    memory: str = Field(
        "60%",
        description="Memory that DuckDB may use, such as `4GB` or a share of the machine's: what does not fit"
        " goes to disk. Python and the rows on their way come on top.",
    )
    snowflake_account: str = Field("", description="Snowflake account.")
    snowflake_user: str = Field("", description="Snowflake user.")
    snowflake_private_key_file: str = Field(
        "", description="File of the Snowflake user's private key (PEM, PKCS#8)."
    )
    snowflake_private_key: SecretStr = Field(
        SecretStr(""), description="The private key itself instead of a file, with line breaks or `\\n`."
    )
    snowflake_private_key_passphrase: SecretStr = Field(
        SecretStr(""), description="Passphrase of the private key, if it has one."
    )
    snowflake_password: SecretStr = Field(
        SecretStr(""), description="Snowflake password, where there is no private key."
    )
    snowflake_role: str = Field("", description="Snowflake role. Default: the user's.")
    snowflake_warehouse: str = Field("", description="Snowflake virtual warehouse. Default: the user's.")
    snowflake_database: str = Field(
        "RETAIL_LOCAL",
        description="Snowflake database. Default: the environment's, `RETAIL_STAGING` or `RETAIL`.",
    )
    snowflake_schema: str = Field(
        "main", description="Default schema of sessions; each layer's tables are in schemas of their own."
    )
    snowflake_host: str = Field(
        "", description="Snowflake's host, if it is not the account's address: a private link."
    )
    snowflake_port: int = Field(443, ge=1, le=65535, description="Port of that host.")
    snowflake_protocol: Literal["https", "http"] = Field(
        "https", description="Protocol of that host; `http` is for a local stand-in."
    )
    snowflake_login_timeout: int = Field(
        60, ge=1, description="Seconds after which a login to Snowflake is given up."
    )
    snowflake_network_timeout: int = Field(
        300, ge=1, description="Seconds for which a request to Snowflake without an answer is retried."
    )
    snowflake_statement_timeout: int = Field(
        3600, ge=1, description="Seconds after which Snowflake ends a statement."
    )
    quarantine_limits: str = Field(
        "5%",
        description="How much of a table may be in quarantine before a check warns: a share of its rows, or"
        " an amount, with a table's name in front for that table: `5% erp.sales_order_detail=1000`. Shares"
        " count from 20 rows on.",
    )
    restatement_limits: str = Field(
        "20%",
        description="By how much a figure of a past day may change before a check of its mart warns: a share,"
        " or an amount, with a measure's or a mart's name in front for that one:"
        " `20% net_sales=1000 sales_performance.margin=5%`. Without a name: of a mart's main measures.",
    )
    locale: str = Field(
        "en-US",
        pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        description="How the dashboards write numbers (BCP 47), such as `de-DE`.",
    )
    currency: str = Field(
        "USD",
        pattern=r"^[A-Z]{3}$",
        description="The currency of all amounts (ISO 4217): the dashboards show it.",
    )
    dagster_url: SecretStr = Field(
        SecretStr(""),
        description="PostgreSQL for Dagster's runs, events and schedules:"
        " `postgresql://user:password@host/database`. Default: SQLite in the home.",
    )
    ui_hosts: str = Field(
        "",
        description="Names under which a reverse proxy shows Dagster's UI, separated by commas. Others than"
        " these and 127.0.0.1 are refused.",
    )
    code_server: str = Field(
        "127.0.0.1:4266",
        pattern=r"^[\w.-]+:\d+$",
        description="Where the webserver and the daemon find the code server, `host:port`, if each is"
        " a process of its own.",
    )
    dashboards_folder: str = Field(
        "",
        description="Folder into which each run writes the dashboards as files. Default: none; pages are"
        " served by `retail-assets dashboards` alone.",
    )
    extracts_folder: str = Field(
        "",
        description="Folder, or URL that fsspec opens (`s3://...`), into which each run writes the marts as"
        " files. Default: none, no extracts are written.",
    )
    extracts_formats: str = Field(
        "parquet",
        description="What extracts are written as, separated by commas: `parquet`, which is always, `csv` and"
        " `xlsx`.",
    )
    extracts_personal: bool = Field(
        False, description="Whether extracts have the columns with personal data, too."
    )
    history_days: int = Field(
        30,
        ge=1,
        description="Days after which Dagster's history drops the logs of a run. Materializations stay.",
    )
    pepper: SecretStr = Field(
        SecretStr(""),
        description="Secret with which the list of forgotten persons is written, the same on all machines."
        " Default: the file `pepper` in the home, made when the first person is forgotten.",
    )
    alert_urls: SecretStr = Field(
        SecretStr(""),
        description="Where alerts go: addresses as [Apprise](https://appriseit.com/services/) has them"
        " (`mailtos://`, `slack://`, `msteams://`, `pagerduty://`, `jsons://`), with spaces between them;"
        " with a name in front if `alerts.yml` routes to it, as in `oncall=pagerduty://...`."
        " Default: only `retail-assets alerts list`.",
    )
    ui_url: str = Field(
        "http://127.0.0.1:3000",
        pattern=r"^https?://\S+$",
        description="Where people open the Dagster UI: links in alerts begin so.",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_the_environment(cls, values: dict[str, Any]) -> dict[str, Any]:
        # An unknown environment is reported by the field's own validation.
        named = ENVIRONMENTS.get(values.get("environment", "local"), {})
        return {**named, **values}

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        path = home.expanduser().absolute()
        # It becomes a part of URLs, of formats and of statements, of several programs.
        if wrong := [each for each in _NOT_IN_A_PATH if each in str(path)]:
            raise ValueError(f"the path {path} has {' and '.join(wrong)} in it. Choose one without")
        return path

    @field_validator("timezone", *(f"{system}_timezone" for system in SYSTEMS))
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"'{name}' is no IANA time zone; write for example Europe/Berlin") from None
        return name

    @field_validator("sources")
    @classmethod
    def _known_sources(cls, names: str) -> str:
        unknown = set(_listed(names)) - set(SYSTEMS)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} is no system; there are: {', '.join(SYSTEMS)}")
        return names

    @field_validator("extracts_formats")
    @classmethod
    def _known_formats(cls, names: str) -> str:
        unknown = set(_listed(names)) - set(FORMATS)
        if unknown:
            raise ValueError(f"{', '.join(sorted(unknown))} is no format; there are: {', '.join(FORMATS)}")
        return names

    @field_validator("memory")
    @classmethod
    def _size(cls, memory: str) -> str:
        if not re.fullmatch(r"[1-9]\d*(\.\d+)? ?([KMGT]i?B|%)", memory, re.IGNORECASE):
            raise ValueError(f"'{memory}' is no amount of memory; write for example 4GB or 60%")
        return memory

    @field_validator("ui_hosts")
    @classmethod
    def _names(cls, names: str) -> str:
        for name in _listed(names):
            # A pattern would let in what another site can have lead here.
            if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", name):
                raise ValueError(f"'{name}' is no host name; write for example dagster.example.com")
        return names

    @field_validator(*_LIMITS)
    @classmethod
    def _known_limits(cls, limits: str, info: ValidationInfo) -> str:
        names, example = _LIMITS[str(info.field_name)]
        if word := no_limit(limits, names):
            raise ValueError(f"'{word}' is no limit; write {example}")
        return limits

    @field_validator("alert_urls")
    @classmethod
    def _addresses(cls, urls: SecretStr) -> SecretStr:
        # An address is a secret: the message does not show it.
        for word in urls.get_secret_value().split():
            if not re.fullmatch(r"([\w-]+=)?\w[\w+.-]*://\S+", word):
                raise ValueError("one of these is no address such as mailtos://..., or name=mailtos://...")
        return urls

    @model_validator(mode="after")
    def _ends_after_start(self) -> "Settings":
        if self.end_date and self.end_date < self.start_date:
            raise ValueError(
                f"RETAIL_END_DATE ({self.end_date}) lies before RETAIL_START_DATE ({self.start_date})"
            )
        return self

    @property
    def systems(self) -> tuple[str, ...]:
        """The systems to ingest."""
        return _listed(self.sources)

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which the UI is shown, beside this machine's own."""
        return _listed(self.ui_hosts)

    @property
    def formats(self) -> tuple[str, ...]:
        """The files of an extract."""
        return tuple(name for name in FORMATS if name == "parquet" or name in _listed(self.extracts_formats))

    @property
    def memory_bytes(self) -> float:
        """`memory` as a number; a share is one of this machine's."""
        number, unit = re.findall(r"^([\d.]+) ?(.)", self.memory)[0]
        if unit == "%":
            return float(number) / 100 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return float(number) * 1000.0 ** ("KMGT".index(unit.upper()) + 1)

    @property
    def duckdb_path(self) -> Path:
        """The file that runs write. One process at a time: readers use `published_path`."""
        return self.home / "retail.duckdb"

    @property
    def published_path(self) -> Path:
        """What readers open: the warehouse as it was when a build last succeeded."""
        return self.home / "published" / "retail.duckdb"

    @property
    def beginning(self) -> datetime:
        """When the retailer's first day begins, in UTC."""
        return midnight(self.start_date, self.timezone)

    @property
    def today(self) -> date:
        """The day that it is by the retailer's calendar."""
        return self.day_at(datetime.now(UTC))

    def day_at(self, moment: datetime) -> date:
        """The day that it is by the retailer's calendar at a time of the clock."""
        return moment.astimezone(ZoneInfo(self.timezone)).date() - timedelta(days=self.days_behind)

    @property
    def end(self) -> datetime | None:
        """When the retailer's last day is over, in UTC; None if days go on."""
        if self.end_date is None:
            return None
        return midnight(self.end_date + timedelta(days=1), self.timezone)

    def source_mapping(self, system: str) -> str:
        """The mapping of a system: a name or a file; empty where there is none."""
        mapping: str = getattr(self, f"{system}_mapping")
        return mapping

    def source_timezone(self, system: str) -> str:
        """The zone of a system's times that name none."""
        zone: str = getattr(self, f"{system}_timezone")
        return zone

    def source_url(self, system: str) -> str:
        """Where a system is: a SQLAlchemy URL, or a folder or URL of files. By default the demo's."""
        url: str = getattr(self, f"{system}_url")
        if system == "geo":
            demo = self.home / "sources" / "geo"
            # Who has no shops to name has the list of places all the same.
            return url or str(demo if demo.is_dir() else REFERENCE / "geo")
        defaults = {"webshop": self.home / "sources" / "webshop"}
        return url or str(defaults.get(system, f"sqlite:///{self.home / 'sources' / f'{system}.sqlite'}"))


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())


def _misspelt(environment: Collection[str]) -> str:
    """One line per variable that is nearly the name of a setting: what is meant would be ignored."""
    known = sorted({f"{PREFIX}{field.upper()}" for field in Settings.model_fields} | _OTHERS)
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    meant = {
        name: [_RENAMED[name]] if name in _RENAMED else get_close_matches(name, known, n=1, cutoff=0.9)
        for name in unknown
    }
    return "\n".join(f"{name} is no setting. Is {each[0]} meant?" for name, each in meant.items() if each)


def load_settings() -> Settings:
    """The settings of the environment and of `retail.env`.

    Raises `SettingsError` with one line per setting that cannot be used.
    """
    home = Path(os.environ.get(f"{PREFIX}HOME") or ".retail").expanduser().absolute()
    if misspelt := _misspelt({*os.environ, *dotenv_values(home / "retail.env")}):
        raise SettingsError(misspelt)
    try:
        return Settings(_env_file=home / "retail.env", home=home)
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            name = f"{PREFIX}{'_'.join(map(str, problem['loc'])).upper()}: " if problem["loc"] else ""
            lines.append(name + problem["msg"].removeprefix("Value error, "))
        raise SettingsError("\n".join(lines)) from None


@cache
def settings() -> Settings:
    """The process's settings, read once."""
    return load_settings()
