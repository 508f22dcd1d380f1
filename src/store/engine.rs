//! Pools, transactions, migrations, and every difference between database engines.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

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

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    readers: SqlitePool,
    // SQLite has one writer at a time: waiting here in order is fairer than `SQLITE_BUSY`.
    writer: SqlitePool,
}

/// One transaction. Dropped without [`Tx::commit`] it leaves no trace.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
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
            .pragma("secure_delete", "on");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options.clone())
            .await?;
        MIGRATIONS.run(&writer).await.map_err(|error| match error {
            sqlx::migrate::MigrateError::VersionMissing(_)
            | sqlx::migrate::MigrateError::VersionTooNew(..) => Error::NewerSchema,
            sqlx::migrate::MigrateError::Execute(error) => error.into(),
            other => Error::Unavailable(sqlx::Error::Migrate(Box::new(other))),
        })?;
        let readers = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(30))
            .connect_with(options.create_if_missing(false))
            .await?;
        Ok(Self { readers, writer })
    }

    /// Opens a database that is there, for reading alone; a gateway may be using it. Refuses one
    /// whose schema is not this program's. A copy on a medium that cannot be written is read
    /// as it lies there.
    pub async fn open_to_read(path: &Path) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(20));
        let pool = |options: SqliteConnectOptions| {
            SqlitePoolOptions::new()
                .max_connections(2)
                .acquire_timeout(Duration::from_secs(30))
                .connect_with(options)
        };
        let pool = match pool(options.clone()).await {
            // Without a write-ahead log there is nothing that could change under the reader.
            Err(_) if !beside(path, "-wal").exists() && path.exists() => {
                pool(options.immutable(true)).await?
            }
            opened => opened?,
        };
        let applied: Vec<i64> =
            sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success = 1")
                .fetch_all(&pool)
                .await?;
        let ours = |version: &i64| MIGRATIONS.iter().any(|ours| ours.version == *version);
        if !applied.iter().all(ours) {
            return Err(Error::NewerSchema);
        }
        if !MIGRATIONS.iter().all(|ours| applied.contains(&ours.version)) {
            return Err(Error::OlderSchema);
        }
        Ok(Self { readers: pool.clone(), writer: pool })
    }

    /// Begins a transaction that reads one consistent state.
    pub async fn read(&self) -> Result<Tx, Error> {
        Ok(Tx { inner: self.readers.begin().await? })
    }

    /// Begins a transaction that may write; one at a time.
    pub async fn write(&self) -> Result<Tx, Error> {
        Ok(Tx { inner: self.writer.begin_with("BEGIN IMMEDIATE").await? })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
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
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.inner.commit().await?)
    }

    pub(super) fn conn(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}
