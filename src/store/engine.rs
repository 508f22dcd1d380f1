//! Transactions, migrations, and every difference between database engines.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::connections::{Connections, Lent};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations/sqlite");

/// What a caller can do something about.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such row.
    #[error("not found")]
    NotFound,
    /// A unique rule was broken: it exists already, or somebody was faster.
    #[error("it conflicts with what is there")]
    Conflict,
    /// The database holds what this program never writes.
    #[error("the database holds a value that cannot be: {0}")]
    Corrupt(&'static str),
    /// The database was made by a newer version of this program.
    #[error("the database was made by a newer version; use that version, or restore a backup")]
    NewerSchema,
    /// The database was made by an older version and is not to be changed here.
    #[error(
        "the database was made by an older version; start the gateway once to bring it up to date"
    )]
    OlderSchema,
    /// No space is left for the database.
    #[error("no space is left for the database")]
    Full,
    /// The database cannot be reached, is locked, or failed.
    #[error("the database is unavailable")]
    Unavailable(#[source] sqlx::Error),
}

/// SQLite's primary result code for a full disk.
const SQLITE_FULL: &str = "13";

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::Database(inner) if inner.is_unique_violation() => Self::Conflict,
            sqlx::Error::Database(inner) if inner.code().as_deref() == Some(SQLITE_FULL) => {
                Self::Full
            }
            _ => Self::Unavailable(error),
        }
    }
}

/// Connections for reading at once.
const READERS: u32 = 8;

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    readers: Connections,
    // SQLite has one writer at a time: waiting here in order is fairer than `SQLITE_BUSY`.
    writer: Connections,
}

/// One transaction. Dropped without [`Tx::commit`] it leaves no trace.
#[derive(Debug)]
pub struct Tx {
    lent: Lent,
    /// Not for a [`Store::glance`], which has no transaction around its statements.
    begun: bool,
}

impl Store {
    /// Opens the SQLite database at `path`, makes it where there is none, and brings its
    /// schema up to date.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a commit is on the disk when it returns, or it has not happened.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(20))
            .pragma("secure_delete", "on")
            // 32 MiB: folding the log into the database costs syncs of its own.
            .pragma("wal_autocheckpoint", "8192")
            .disable_statement_logging();
        let mut first = options.connect().await?;
        MIGRATIONS.run(&mut first).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::VersionMissing(_)
            | sqlx::migrate::MigrateError::VersionTooNew(..) => Error::NewerSchema,
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => Error::Unavailable(sqlx::Error::Migrate(Box::new(other))),
        })?;
        let options = options.create_if_missing(false);
        let writer = Connections::new(options.clone(), 1);
        writer.give_back(first);
        Ok(Self { readers: Connections::new(options, READERS), writer })
    }

    /// Opens a database that is there, for reading alone; a gateway may be using it. Refuses one
    /// whose schema is not this program's. A copy on a medium that cannot be written is read
    /// as it lies there.
    pub async fn open_to_read(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(20));
        let (mut first, options) = match options.connect().await {
            // Without a write-ahead log there is nothing that could change under the reader.
            Err(_) if !beside(path, "-wal").exists() && path.exists() => {
                let options = options.immutable(true);
                (options.connect().await?, options)
            }
            opened => (opened?, options),
        };
        let applied: Vec<i64> =
            sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success = 1")
                .fetch_all(&mut first)
                .await?;
        let ours = |version: &i64| MIGRATIONS.iter().any(|ours| ours.version == *version);
        if !applied.iter().all(ours) {
            return Err(Error::NewerSchema);
        }
        if !MIGRATIONS.iter().all(|ours| applied.contains(&ours.version)) {
            return Err(Error::OlderSchema);
        }
        let readers = Connections::new(options, 2);
        readers.give_back(first);
        Ok(Self { readers: readers.clone(), writer: readers })
    }

    /// Begins a transaction that reads one consistent state.
    pub async fn read(&self) -> Result<Tx, Error> {
        Ok(Tx { lent: self.readers.lend("BEGIN").await?, begun: true })
    }

    /// For statements that read and need not agree with each other; cheaper than
    /// [`Store::read`].
    pub async fn glance(&self) -> Result<Tx, Error> {
        Ok(Tx { lent: self.readers.lend("").await?, begun: false })
    }

    /// Begins a transaction that may write; one at a time.
    pub async fn write(&self) -> Result<Tx, Error> {
        Ok(Tx { lent: self.writer.lend("BEGIN IMMEDIATE").await?, begun: true })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(self.glance().await?.conn()).await?;
        Ok(())
    }

    /// Closes every connection; the write-ahead log is folded in.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// The file that SQLite keeps beside `path` with this ending.
fn beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Tx {
    /// Makes everything durable that was done in this transaction.
    pub async fn commit(mut self) -> Result<(), Error> {
        sqlx::query("COMMIT").execute(self.conn()).await?;
        self.begun = false;
        Ok(())
    }

    pub(super) fn conn(&mut self) -> &mut SqliteConnection {
        self.lent.connection.as_mut().expect("it is given back when dropped, not before")
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(connection) = self.lent.connection.take() else { return };
        if !self.begun {
            self.lent.home.give_back(connection);
        } else if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            // Nobody else gets it before what was begun is undone.
            runtime.spawn(self.lent.undo(connection));
        }
        // Without a runtime it is closed, which undoes it too.
    }
}
