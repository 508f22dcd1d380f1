//! The books of a demo's gateway, read from outside: its database as it is on the disk, and
//! what lies in its store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sqlx::{Connection, SqliteConnection};
use strongroom::envelope::statement::{Entry, Statement};

use super::demo::Demo;

/// What was in the books at one moment.
#[derive(Debug)]
pub(crate) struct Books {
    /// Every document and its state.
    pub(crate) documents: BTreeMap<String, String>,
    /// The names of the objects that documents refer to.
    pub(crate) referenced: BTreeSet<String>,
    /// Action and object of every audit entry, in order.
    pub(crate) entries: Vec<(String, String)>,
}

/// In a thread of its own: the caller may be in a runtime already.
fn run<T: Send>(work: impl Future<Output = T> + Send) -> T {
    let running = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(work)
    };
    std::thread::scope(|scope| scope.spawn(running).join().expect("no panic"))
}

impl Demo {
    fn database(&self) -> String {
        format!("sqlite://{}", self.data().join("strongroom.db").display())
    }

    /// Does `sql` behind the gateway's back.
    pub(crate) fn sql(&self, sql: &'static str) {
        run(async {
            let mut db = SqliteConnection::connect(&self.database()).await.expect("connects");
            sqlx::query("PRAGMA busy_timeout = 20000").execute(&mut db).await.expect("set");
            sqlx::query(sql).execute(&mut db).await.expect("done");
            db.close().await.expect("closed");
        });
    }

    /// The books as they stand.
    pub(crate) fn books(&self) -> Books {
        run(async {
            let mut db = SqliteConnection::connect(&self.database()).await.expect("connects");
            let mut tx = db.begin().await.expect("a transaction");
            let documents: Vec<(String, String)> =
                sqlx::query_as("SELECT id, state FROM documents")
                    .fetch_all(&mut *tx)
                    .await
                    .expect("rows");
            let referenced: Vec<(String,)> = sqlx::query_as("SELECT object FROM segments")
                .fetch_all(&mut *tx)
                .await
                .expect("rows");
            let entries: Vec<(String,)> = sqlx::query_as("SELECT text FROM entries ORDER BY id")
                .fetch_all(&mut *tx)
                .await
                .expect("rows");
            drop(tx);
            db.close().await.expect("closed");
            let entry = |(text,): (String,)| {
                let entry = Entry::from_text(&text).expect("canonical");
                let object = entry.object.map(|word| word.to_string()).unwrap_or_default();
                (entry.action.to_string(), object)
            };
            Books {
                documents: documents.into_iter().collect(),
                referenced: referenced.into_iter().map(|(name,)| name).collect(),
                entries: entries.into_iter().map(entry).collect(),
            }
        })
    }

    /// The objects that lie in the store, by their names.
    pub(crate) fn stored(&self) -> BTreeSet<String> {
        let root = self.data().join("objects");
        let all = files(&root.join("segments"));
        let name = |path: &PathBuf| {
            path.strip_prefix(&root).expect("below").to_string_lossy().into_owned()
        };
        all.iter().map(name).collect()
    }
}

impl Books {
    /// What was done without an entry, and entries of what was not done.
    pub(crate) fn unrecorded(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let entries = |id: &str, actions: &[&str]| {
            let of_these = self
                .entries
                .iter()
                .filter(|(action, object)| object == id && actions.contains(&action.as_str()));
            of_these.count()
        };
        for (id, state) in &self.documents {
            let finished = entries(id, &["document.complete", "document.arrive"]);
            let expected = usize::from(state != "uploading");
            if finished != expected {
                complaints.push(format!("{id} is {state} with {finished} entries of its end"));
            }
            let begun = entries(id, &["document.begin"]);
            if begun > 1 || (state == "uploading" && begun != 1) {
                complaints.push(format!("{id} is {state} with {begun} entries of its beginning"));
            }
        }
        for (action, object) in &self.entries {
            if action == "document.complete" && !self.documents.contains_key(object) {
                complaints.push(format!("{action} of {object}, which is not there"));
            }
        }
        complaints
    }
}

/// Every file below `folder`.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("listed") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
