//! Connections to the database, lent to one transaction each and used again.
//!
//! A pool of our own: that of the library asks the database whether it is there whenever a
//! connection goes out and comes back, which for SQLite costs as much as a statement.
//!
//! Invariant: a connection that lies here has no transaction open.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::engine::Error;

/// How long a transaction waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// Up to a number of connections, opened when they are needed. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: SqliteConnectOptions,
    idle: Mutex<Vec<SqliteConnection>>,
    most: u32,
    turns: Arc<Semaphore>,
}

/// A connection and the turn that it was lent for.
#[derive(Debug)]
pub(super) struct Lent {
    pub(super) connection: Option<SqliteConnection>,
    pub(super) home: Connections,
    turn: Option<OwnedSemaphorePermit>,
}

impl Connections {
    /// At most `most` at once.
    pub(super) fn new(options: SqliteConnectOptions, most: u32) -> Self {
        let turns = Arc::new(Semaphore::new(most as usize));
        Self { inner: Arc::new(Inner { options, idle: Mutex::default(), most, turns }) }
    }

    /// Lends one in the order of asking, with `begin` executed unless it is empty.
    pub(super) async fn lend(&self, begin: &'static str) -> Result<Lent, Error> {
        let turn = tokio::time::timeout(PATIENCE, self.inner.turns.clone().acquire_owned())
            .await
            .map_err(|_| Error::Unavailable(sqlx::Error::PoolTimedOut))?
            .map_err(|_| Error::Unavailable(sqlx::Error::PoolClosed))?;
        let idle = self.idle().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.inner.options.connect().await?,
        };
        let mut lent = Lent { connection: Some(connection), home: self.clone(), turn: Some(turn) };
        if let Some(connection) = lent.connection.as_mut().filter(|_| !begin.is_empty()) {
            // Given up half-way, or failed, it is closed and not used again.
            sqlx::query(begin).execute(connection).await?;
        }
        Ok(lent)
    }

    /// Takes one back that has no transaction open.
    pub(super) fn give_back(&self, connection: SqliteConnection) {
        self.idle().push(connection);
    }

    /// Closes them all, as they come back; none is lent any more.
    pub(super) async fn close(&self) {
        if let Ok(all) = self.inner.turns.acquire_many(self.inner.most).await {
            all.forget();
        }
        self.inner.turns.close();
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the database did not close cleanly");
            }
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent {
    /// Undoes what was begun on `connection`, then gives it back and ends the turn.
    pub(super) fn undo(
        &mut self,
        mut connection: SqliteConnection,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (home, turn) = (self.home.clone(), self.turn.take());
        async move {
            // It fails where the database has undone, or done, everything already; then, too,
            // the connection is closed rather than looked into.
            if sqlx::query("ROLLBACK").execute(&mut connection).await.is_ok() {
                home.give_back(connection);
            }
            drop(turn);
        }
    }
}
