"""The dangers a step may bring, and the locks it takes."""

from enum import StrEnum


class Hazard(StrEnum):
    """What a step does to those who use the database meanwhile, or to the data."""

    BLOCKS_READS = "blocks_reads"
    BLOCKS_WRITES = "blocks_writes"
    REWRITES = "rewrites"
    SCANS = "scans"
    RETIRES_DATA = "retires_data"
    DELETES_DATA = "deletes_data"
    BREAKS_OLD_CODE = "breaks_old_code"
    LOSES_PRECISION = "loses_precision"
    WEAKENS_CONSTRAINT = "weakens_constraint"
    NOT_ATOMIC = "not_atomic"


class Lock(StrEnum):
    """The strongest lock a statement takes, in PostgreSQL's words (manual, section 13.3.1)."""

    NONE = "none"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"
