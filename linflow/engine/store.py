"""The store: every finished piece of work in one SQLite file, safe against ``kill -9`` at any moment.

Write-ahead log and ``synchronous=FULL``: once :meth:`Store.add` returns, the record survives even a power cut. Only the
coordinating process writes; a second one is refused by a lock that the operating system releases when its holder dies, so
no stale lock can block. A file may hold many runs, told apart by a digest of everything that their numbers depend on. Each
record is sealed together with the run and the piece of work that it belongs to: one that was altered is not read, and its
work is done again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from linflow.engine.seal import seal
from linflow.errors import DataError, OutputError

_LOG = logging.getLogger(__name__)

SCHEMA_VERSION = 2
#: "linf" in ASCII: marks a SQLite file as ours.
APPLICATION_ID = 0x6C696E66
# Without row numbers there is one tree, and no index that could disagree with its table.
_SCHEMA = f"""
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version VALUES ({SCHEMA_VERSION});
CREATE TABLE runs (run TEXT PRIMARY KEY, identity TEXT NOT NULL, started TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    run TEXT NOT NULL, key TEXT NOT NULL, label TEXT NOT NULL, payload BLOB, error TEXT, lost INTEGER NOT NULL,
    seconds REAL NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (run, key)
) WITHOUT ROWID;
CREATE VIEW rows AS SELECT records.*, identity, started FROM records JOIN runs USING (run);
"""


@dataclass(frozen=True)
class Record:
    """One finished piece of work.

    Parameters
    ----------
    key : which one, within its run.
    payload : its result; None exactly if it failed.
    error : the sentence of its failure; None if it succeeded.
    lost : whether it failed because its worker was killed, so that another run may try it again.
    seconds : that it took.
    label : what it is, for people who look into the file.
    """

    key: str
    payload: bytes | None
    error: str | None = None
    lost: bool = False
    seconds: float = 0.0
    label: str = ""


class Store:
    """The records of one run inside a store file; use it as a context manager.

    Parameters
    ----------
    path : the SQLite file, created (with its folder) if it does not exist; None keeps the records in memory only.
    identity : everything that the results of the run depend on, as JSON values.

    Raises
    ------
    DataError
        The file is damaged, is no SQLite file, belongs to another program, or has another schema version.
    OutputError
        The file cannot be written, another process writes to it, or it was deleted while this one did.

    Examples
    --------
    >>> with Store(None, {"what": "squares", "seed": 0}) as store:
    ...     store.add(Record("2", b"4"))
    ...     store.records()["2"].payload
    b'4'
    """

    def __init__(self, path: Path | None, identity: Mapping[str, Any]) -> None:
        self.path = path
        # A user's code may change the working folder meanwhile; sentences name the path as it was given.
        self._whole_path = None if path is None else path.absolute()
        #: Records that were altered on the disk, and so were not read.
        self.damaged = 0
        self._identity = json.dumps(identity, sort_keys=True)
        self.run = seal(self._identity).hex()
        self._lock = None if path is None else _locked(path)
        try:
            self._connection = self._open()
            self._place = self._found()
            with self._sentences(), self._transaction():
                now = datetime.now(UTC).isoformat(timespec="seconds")
                self._connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", (self.run, self._identity, now))
        except BaseException:
            self.close()
            raise

    def records(self) -> dict[str, Record]:
        """Every sound record of this run, by its key."""
        return {record.key: record for record in self.sound()}

    def sound(self) -> Iterator[Record]:
        """Every sound record of this run, one at a time; nothing may be added before the last."""
        self.damaged = 0
        with self._sentences():
            found = self._connection.execute(
                "SELECT key, payload, error, lost, seconds, label, seal FROM records WHERE run = ?", (self.run,)
            )
            for *values, mark in found:
                try:
                    record = Record(*values)
                    sound = mark == self._seal(record)
                except (TypeError, ValueError, AttributeError):  # a value whose type has changed
                    sound = False
                if sound:
                    yield replace(record, lost=bool(record.lost))
                else:
                    self.damaged += 1
        if self.damaged:
            _LOG.warning("linflow: results in %s altered on the disk, now computed again: %d", self.path, self.damaged)

    def add(self, record: Record) -> None:
        """Store one record, or replace it; it is on the disk when this returns."""
        if (record.payload is None) == (record.error is None):
            raise ValueError("a record holds a result or an error")
        self.check()
        row = (record.key, record.label, record.payload, record.error, int(record.lost), record.seconds)
        with self._sentences(), self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (self.run, *row, self._seal(record))
            )

    def check(self) -> None:
        """Whether the file is still there: what is written into a deleted file is lost without a word."""
        if self.path is not None and self._found() != self._place:
            raise OutputError(
                f"{str(self.path)!r} was deleted or replaced while it was written to: put its folder back, and start again"
            )

    def close(self) -> None:
        """Close the file and release the lock."""
        with contextlib.suppress(sqlite3.Error, AttributeError):
            self._connection.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _seal(self, record: Record) -> bytes:
        numbers = f"{int(record.lost)} {float(record.seconds)!r}"
        return seal(self.run, record.key, record.label, record.payload, record.error, numbers)

    def _found(self) -> tuple[int, int] | None:
        """Which file the path leads to."""
        try:
            found = None if self._whole_path is None else self._whole_path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_dev, found.st_ino)

    def _open(self) -> sqlite3.Connection:
        with self._sentences():
            # Transactions are begun and ended by hand, and the lock keeps other writers out.
            place = ":memory:" if self.path is None else self.path
            connection = sqlite3.connect(place, isolation_level=None, timeout=10.0)
        try:
            with self._sentences():
                self._check(connection)
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                connection.execute("PRAGMA synchronous = FULL")
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
        if application != APPLICATION_ID or "schema_version" not in tables:
            raise DataError(f"{str(self.path)!r} is a SQLite file of another program: choose another folder with --out")
        versions = [version for (version,) in connection.execute("SELECT version FROM schema_version")]
        if versions != [SCHEMA_VERSION]:
            raise DataError(
                f"{str(self.path)!r} has schema version {', '.join(map(str, versions))}, this linflow writes version "
                f"{SCHEMA_VERSION}: choose another folder with --out"
            )
        [(verdict, *_), *_] = connection.execute("PRAGMA quick_check").fetchall()
        if verdict != "ok" or not {"runs", "records"} <= tables:
            raise self._broken(verdict)

    def _broken(self, why: str) -> DataError:
        why = " ".join(why.split())
        return DataError(
            f"the store {str(self.path)!r} is damaged ({why}): move it away, or choose another folder with --out"
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            if "malformed" in str(error) or "no such" in str(error):
                raise self._broken(str(error)) from error
            raise OutputError(f"cannot write the store {str(self.path)!r}: {error}") from error
        except (sqlite3.DatabaseError, UnicodeDecodeError, OverflowError) as error:
            raise self._broken(str(error)) from error


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _locked(path: Path) -> sqlite3.Connection:
    """An open exclusive transaction on a file beside the store: portable, and gone with the process that holds it."""
    lock = path.with_name(f".{path.name}.lock")
    connection = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise OSError(errno.EINVAL, "it is a folder, a pipe or a device")
        connection = sqlite3.connect(lock, isolation_level=None, timeout=0.0)
        connection.execute("BEGIN EXCLUSIVE")
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        if "locked" in str(error):
            raise OutputError(
                f"another run writes to {str(path)!r} at this moment: wait for it, or choose another folder with --out"
            ) from error
        why = getattr(error, "strerror", None) or error
        raise OutputError(f"cannot write {str(path)!r} ({why}): choose another folder with --out") from error
    return connection
