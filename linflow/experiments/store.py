"""The store: every finished cell in one SQLite file, safe against ``kill -9`` at any moment.

Write-ahead log and ``synchronous=FULL``: once :meth:`Store.add` returns, the cell survives even a power cut. Only the
coordinating process writes; a second one is refused by a lock that the operating system releases when its holder dies, so
no stale lock can block. A file may hold many runs, told apart by a digest of everything that their numbers depend on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from linflow.checks import FloatArray
from linflow.errors import DataError, OutputError
from linflow.experiments.cells import Outcome
from linflow.experiments.experiment import Plan

SCHEMA_VERSION = 1
#: "linf" in ASCII: marks a SQLite file as ours.
APPLICATION_ID = 0x6C696E66
_SCHEMA = f"""
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES ({SCHEMA_VERSION});
CREATE TABLE runs (
    run TEXT PRIMARY KEY, experiment TEXT NOT NULL, parameters TEXT NOT NULL, seed INTEGER NOT NULL,
    code_version TEXT NOT NULL, started TEXT NOT NULL
);
CREATE TABLE cells (
    run TEXT NOT NULL REFERENCES runs (run), cell TEXT NOT NULL, params TEXT NOT NULL, result BLOB, error TEXT,
    lost INTEGER NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (run, cell)
);
CREATE VIEW rows AS SELECT cells.*, experiment, parameters, seed, code_version FROM cells JOIN runs USING (run);
"""


@dataclass(frozen=True)
class Row:
    """One stored cell; `lost` says that its worker was killed, so that another run may try it again."""

    outcome: Outcome
    lost: bool


class Store:
    """The cells of one run inside a store file; use it as a context manager.

    Parameters
    ----------
    path : the SQLite file, created if it does not exist.
    plan, code_version : what identifies the run.

    Raises
    ------
    DataError
        The file is damaged, is no SQLite file, belongs to another program, or has another schema version.
    OutputError
        The folder cannot be written, or another process writes to the store.
    """

    def __init__(self, path: Path, plan: Plan, code_version: str) -> None:
        self.path = path
        self.run = run_key(plan, code_version)
        self._lock = _locked(path)
        try:
            self._connection = self._open()
            with self._sentences(), self._transaction():
                parameters = json.dumps(plan.parameters(), sort_keys=True)
                now = datetime.now(UTC).isoformat(timespec="seconds")
                row = (self.run, plan.experiment, parameters, plan.seed, code_version, now)
                self._connection.execute("INSERT OR IGNORE INTO runs VALUES (?, ?, ?, ?, ?, ?)", row)
        except BaseException:
            self._lock.close()
            raise

    def rows(self) -> dict[str, Row]:
        """Every stored cell of this run, by its key."""
        with self._sentences():
            found = self._connection.execute(
                "SELECT cell, result, error, lost, seconds FROM cells WHERE run = ?", (self.run,)
            ).fetchall()
        rows = {}
        for cell, result, error, lost, seconds in found:
            try:
                values = {} if result is None else decode(result)
            except ValueError as problem:
                raise self._damaged(str(problem)) from problem
            rows[cell] = Row(Outcome(cell, values, error, seconds), bool(lost))
        return rows

    def add(self, params: dict[str, Any], outcome: Outcome, *, lost: bool = False) -> None:
        """Store one cell; it is on the disk when this returns."""
        result = None if outcome.error is not None else encode(outcome.values)
        row = (self.run, outcome.key, json.dumps(params), result, outcome.error, lost, outcome.seconds)
        with self._sentences(), self._transaction():
            self._connection.execute("INSERT OR REPLACE INTO cells VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def close(self) -> None:
        """Close the file and release the lock."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection:
        with self._sentences():
            # Transactions are begun and ended by hand, and the lock keeps other writers out.
            connection = sqlite3.connect(self.path, isolation_level=None, timeout=10.0)
        try:
            with self._sentences():
                self._check(connection)
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA foreign_keys = ON")
                if not _tables(connection):
                    # One transaction: a kill in the middle leaves an empty file, which is as good as none.
                    connection.executescript(f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; {_SCHEMA} COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection

    def _check(self, connection: sqlite3.Connection) -> None:
        """Refuse everything that is not a sound store of this schema; an empty file is a new one."""
        [(application,)] = connection.execute("PRAGMA application_id").fetchall()
        tables = _tables(connection)
        if not tables:
            return
        if application != APPLICATION_ID or not {"schema_version", "runs", "cells"} <= tables:
            raise DataError(f"{str(self.path)!r} is a SQLite file of another program: choose another folder with --out")
        versions = [version for (version,) in connection.execute("SELECT version FROM schema_version")]
        if versions != [SCHEMA_VERSION]:
            raise DataError(
                f"{str(self.path)!r} has schema version {', '.join(map(str, versions))}, this linflow writes version "
                f"{SCHEMA_VERSION}: choose another folder with --out"
            )
        [(verdict, *_), *_] = connection.execute("PRAGMA quick_check").fetchall()
        if verdict != "ok":
            raise self._damaged(verdict)

    def _damaged(self, why: str) -> DataError:
        why = " ".join(why.split())
        return DataError(
            f"the store {str(self.path)!r} is damaged ({why}): move it away, or choose another folder with --out"
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "malformed" in str(error):
                raise self._damaged(str(error)) from error
            raise OutputError(f"cannot write the store {str(self.path)!r}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error


def run_key(plan: Plan, code_version: str) -> str:
    """Digest of all that the numbers of a run depend on."""
    content = json.dumps([plan.experiment, plan.parameters(), code_version], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def encode(values: dict[str, FloatArray]) -> bytes:
    """Arrays as bytes: a checksum, their names and shapes as JSON, and every float64 as it is, NaN and infinity included.

    >>> decode(encode({"a": np.array([1.0, np.nan])}))
    {'a': array([ 1., nan])}
    """
    header = json.dumps({name: array.shape for name, array in values.items()}).encode()
    body = header + b"\n" + b"".join(np.ascontiguousarray(array, dtype="<f8").tobytes() for array in values.values())
    return zlib.crc32(body).to_bytes(4, "little") + body


def decode(blob: bytes) -> dict[str, FloatArray]:
    """The inverse of `encode`; ValueError if a bit has changed."""
    body = blob[4:]
    if len(blob) < 4 or zlib.crc32(body) != int.from_bytes(blob[:4], "little"):
        raise ValueError("a stored result has changed")
    header, data = body.split(b"\n", 1)
    values, start = {}, 0
    for name, shape in json.loads(header).items():
        stop = start + 8 * int(np.prod(shape, dtype=np.int64))
        values[name] = np.frombuffer(data[start:stop], dtype="<f8").astype(np.float64).reshape(shape)
        start = stop
    return values


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _locked(path: Path) -> sqlite3.Connection:
    """An open exclusive transaction on a file beside the store: portable, and gone with the process that holds it."""
    lock = path.with_name(f".{path.name}.lock")
    connection = None
    try:
        connection = sqlite3.connect(lock, isolation_level=None, timeout=0.0)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        if "locked" in str(error):
            raise OutputError(
                f"another run writes to {str(path)!r} at this moment: wait for it, or choose another folder with --out"
            ) from error
        raise OutputError(f"cannot lock the store {str(path)!r}: {error}") from error
    return connection
