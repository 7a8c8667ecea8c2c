"""READ FIRST: the stages in order, the tool of each, what each requires, and the receipt it leaves.

The checklist of a call is the `requires` of its stage: each name is a file of `gate/preconditions/`, and a precondition
that no stage names decides nothing. What a stage does is in `application/` (`detecting.py`, `generating.py` …);
the four that carry a plan out share `offering.py` and `applying.py`.
"""

from dataclasses import dataclass

from skill_server.model.receipt import EventKind


@dataclass(frozen=True)
class Stage:
    """One stage of the work: `requires` names files of `gate/preconditions/`, in the order in which to satisfy them."""

    name: str
    tool: str
    requires: tuple[str, ...] = ()
    leaves: EventKind | None = None


_KNOWN = ("database_type_is_detected", "no_run_is_unfinished")
_PLANNED = (*_KNOWN, "schema_is_as_planned", "both_databases_are_covered", "postgres_steps_are_transactional")
_WRITTEN = ("change_is_documented", "models_match_the_plan", "contract_is_kept")
_PROVEN = (
    "last_change_is_verified",
    "backup_is_verified",
    "backup_is_of_one_moment",
    "rehearsal_passed",
    "rollback_is_rehearsed",
    "forecast_is_within_policy",
)
_TESTED = ("both_backends_are_tested", "person_approved")

WORKFLOW = (
    Stage("detect", "detect_db_type", leaves=EventKind.DETECTION),
    Stage("inspect", "inspect_schema"),
    Stage("generate", "generate_migration", requires=("database_type_is_detected",)),
    Stage("review", "review_migration", requires=("database_type_is_detected",), leaves=EventKind.PLAN),
    Stage("backup", "backup", requires=_KNOWN, leaves=EventKind.BACKUP),
    Stage(
        "rehearse",
        "rehearse_migration",
        requires=(*_PLANNED, "backup_is_verified", "backup_is_of_one_moment"),
        leaves=EventKind.REHEARSAL,
    ),
    Stage(
        "upgrade",
        "run_upgrade",
        requires=(*_PLANNED, *_WRITTEN, *_PROVEN, *_TESTED),
        leaves=EventKind.OUTCOME,
    ),
    Stage(
        "verify", "verify_integrity", requires=("database_type_is_detected",), leaves=EventKind.VERIFICATION
    ),
    Stage(
        "downgrade",
        "run_downgrade",
        requires=(*_PLANNED, *_WRITTEN, *_PROVEN, *_TESTED),
        leaves=EventKind.OUTCOME,
    ),
    Stage(
        "restore",
        "restore_backup",
        requires=(
            "database_type_is_detected",
            "restore_source_is_intact",
            "schema_is_as_planned",
            "person_approved",
        ),
        leaves=EventKind.RESTORED,
    ),
    Stage(
        "finalize", "finalize_migration", requires=(*_PLANNED, *_PROVEN, *_TESTED), leaves=EventKind.OUTCOME
    ),
)

STAGES = {stage.name: stage for stage in WORKFLOW}
