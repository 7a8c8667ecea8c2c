"""The only reader of the environment and of the project's configuration file."""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from skill_server.errors import Invalid, Refused
from skill_server.model.base import Frozen
from skill_server.model.ids import BackendKind, Name
from skill_server.model.names import EntityNames, NameMap

CONFIGURATION_FILE = "database-migration.toml"
STATE_DIRECTORY = ".database-migration"


class TargetSettings(Frozen):
    """One pair of databases: its class, and which environment variables hold what an application reads."""

    environment: Literal["development", "staging", "production"]
    postgres: str = "DATABASE_URL"
    mongodb: str = "MONGO_URI"
    db_type: str = "DB_TYPE"
    embedded: bool = False
    rehearsal_postgres: str | None = None
    rehearsal_mongodb: str | None = None


class PolicySettings(Frozen):
    """How careful to be. Ages in hours, times in seconds, sizes in records."""

    # A comparison with "not a number" is never true, so an age of that kind would never expire.
    detection_max_age_h: float = Field(default=24, gt=0, le=8760, allow_inf_nan=False)
    backup_max_age_h: float = Field(default=24, gt=0, le=8760, allow_inf_nan=False)
    rehearsal_max_age_h: float = Field(default=24, gt=0, le=8760, allow_inf_nan=False)
    approval_max_age_h: float = Field(default=4, gt=0, le=8760, allow_inf_nan=False)
    lock_timeout_s: float = Field(default=0.2, gt=0, le=60, allow_inf_nan=False)
    lock_budget_s: float = Field(default=10, gt=0, le=86_400, allow_inf_nan=False)
    statement_timeout_s: float = Field(default=3600, gt=0, le=604_800, allow_inf_nan=False)
    batch_records: int = Field(default=500, ge=1, le=10_000)
    require_quiet: bool = False
    test_timeout_s: float = Field(default=600, gt=0, le=86_400, allow_inf_nan=False)
    forecast_longest_lock_s: float = Field(default=2, gt=0, le=86_400, allow_inf_nan=False)
    forecast_longest_run_s: float = Field(default=3600, gt=0, le=604_800, allow_inf_nan=False)
    written_by_triggers: tuple[Name, ...] = ()


class NativeNames(Frozen):
    """What each database calls an entity, where that differs from the logical name."""

    postgres: Name | None = None
    mongodb: Name | None = None
    fields: dict[Name, dict[BackendKind, str]] = {}


class ProjectSettings(Frozen):
    """The project's own file: `database-migration.toml`, or `[tool.database-migration]` in its `pyproject.toml`."""

    default_target: str = "development"
    models: str | None = None
    code: tuple[str, ...] = ()
    migrations: str = "migrations"
    test_command: tuple[str, ...] = ()
    default_db_type: Literal["postgres", "mongodb"] = "postgres"
    backup_directory: str = f"{STATE_DIRECTORY}/backups"
    backup_keep_last: int = Field(default=10, ge=1, le=100_000)
    backup_keep_days: float = Field(default=30, ge=0, le=36_500, allow_inf_nan=False)
    encrypt_backups: bool = False
    names: dict[Name, NativeNames] = {}
    targets: dict[str, TargetSettings] = {}
    policy: PolicySettings = PolicySettings()

    def name_map(self) -> NameMap:
        """Return the name map of the configuration."""
        return NameMap(
            entities={
                entity: EntityNames(
                    postgres=native.postgres or entity, mongodb=native.mongodb or entity, fields=native.fields
                )
                for entity, native in self.names.items()
            }
        )


class ServerSettings(BaseSettings):
    """What belongs to the person who runs the server, never to the project: read from `DATABASE_MIGRATION_*`."""

    model_config = SettingsConfigDict(env_prefix="DATABASE_MIGRATION_", extra="ignore", frozen=True)

    project: Path = Path()
    key_file: Path = Path(platformdirs.user_data_dir("database-migration")) / "ledger.key"
    allowed_signers: Path | None = None
    backup_key_file: Path | None = None
    backup_destination: str | None = None


class Settings(Frozen):
    """Everything configured, for one project."""

    root: Path
    project: ProjectSettings
    key_file: Path
    allowed_signers: Path | None
    configured: bool
    backup_key_file: Path | None = None
    backup_destination: str | None = None

    def target(self, name: str | None) -> tuple[str, TargetSettings]:
        """Return a target by name, or the default one.

        Raises:
            Refused: nothing is configured, or no such target.
        """
        if not self.configured or not self.project.targets:
            raise Refused(
                "not-configured",
                f"no {CONFIGURATION_FILE} was found in the project directory",
                help="Ask the person to run `database-migration init` in the project.",
            )
        chosen = name or self.project.default_target
        target = self.project.targets.get(chosen)
        if target is None:
            raise Refused(
                "unknown-target",
                f"no target is called {chosen!r}; configured: {', '.join(sorted(self.project.targets))}",
                help="Name one of the configured targets.",
            )
        return chosen, target

    def path(self, relative: str) -> Path:
        """Return a path of the configuration as an absolute one inside the project."""
        return (self.root / relative).resolve()

    @property
    def migrations(self) -> Path:
        """The folder of the migration files."""
        return self.path(self.project.migrations)

    @property
    def backups(self) -> Path:
        """The folder of the backups; a link in its way is not followed, so that it can be refused."""
        return Path(os.path.normpath(self.root / self.project.backup_directory))

    @property
    def state(self) -> Path:
        """The private folder of the product in the project: backups, and the servers of an embedded target."""
        return self.root / STATE_DIRECTORY


def load(root: Path | None = None) -> Settings:
    """Read the configuration of the project in `root` (default: `DATABASE_MIGRATION_PROJECT`, else the current folder).

    Raises:
        Invalid: the file is not readable TOML or holds something unknown.
    """
    try:
        server = ServerSettings()
    except ValidationError as error:
        raise _misfit(
            "the environment", error, "Mend the variables that begin with DATABASE_MIGRATION_."
        ) from error
    root = (root or server.project).resolve()
    table = _table(root)
    try:
        project = ProjectSettings.model_validate(table or {})
    except ValidationError as error:
        raise _misfit("the configuration", error, f"Mend {CONFIGURATION_FILE}.") from error
    return Settings(
        root=root,
        project=project,
        key_file=server.key_file.expanduser(),
        allowed_signers=server.allowed_signers,
        configured=table is not None,
        backup_key_file=server.backup_key_file.expanduser() if server.backup_key_file else None,
        backup_destination=server.backup_destination or None,
    )


def _misfit(what: str, error: ValidationError, help: str) -> Invalid:
    problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:5])
    return Invalid("configuration-invalid", f"{what} does not fit: {problems}", help=help)


def _table(root: Path) -> dict[str, Any] | None:
    own, shared = root / CONFIGURATION_FILE, root / "pyproject.toml"
    try:
        if own.is_file():
            return tomllib.loads(own.read_text(encoding="utf-8"))
        if shared.is_file():
            return tomllib.loads(shared.read_text(encoding="utf-8")).get("tool", {}).get("database-migration")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(
            "configuration-invalid", f"the configuration is not readable TOML: {error}", help="Mend the file."
        ) from error
    return None


def url(target: TargetSettings, backend: BackendKind, environ: Mapping[str, str] | None = None) -> str:
    """Return the URL of one database of a target from the environment variable that the target names.

    Raises:
        Refused: the variable is missing or empty; a missing variable never means an empty database.
    """
    variable = target.postgres if backend is BackendKind.POSTGRES else target.mongodb
    return _url_in(variable, f"the {backend} database of the target", environ)


def rehearsal_url(target: TargetSettings, backend: BackendKind) -> str | None:
    """Return the URL of the server on which copies of a database are made, or None where that is its own.

    Raises:
        Refused: a variable is named, but is missing or empty.
    """
    variable = target.rehearsal_postgres if backend is BackendKind.POSTGRES else target.rehearsal_mongodb
    return None if variable is None else _url_in(variable, f"the {backend} server for rehearsals", None)


def _url_in(variable: str, what: str, environ: Mapping[str, str] | None) -> str:
    value = (os.environ if environ is None else environ).get(variable, "")
    if not value:
        raise Refused(
            "url-missing",
            f"the environment variable {variable} is not set, so {what} is unknown",
            help=f"Start the server with {variable} set as the application has it.",
        )
    return value


def active_backend(project: ProjectSettings, target: TargetSettings) -> BackendKind:
    """Return the backend that the application's `get_db_type()` would answer now."""
    word = os.environ.get(target.db_type, "").strip().lower() or project.default_db_type
    if word in {"mongodb", "mongo"}:
        return BackendKind.MONGODB
    if word in {"postgres", "postgresql"}:
        return BackendKind.POSTGRES
    raise Invalid(
        "db-type-unknown",
        f"the environment variable {target.db_type} names no known database type",
        help=f"Set {target.db_type} to postgres or mongodb.",
    )


def base_environment() -> dict[str, str]:
    """Return what a child process may inherit: nothing that names a server or holds a secret."""
    return {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL", "TZ") if name in os.environ}
