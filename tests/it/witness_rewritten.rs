//! Whoever has the log's key and the database can sign another log, and keep the checkpoint
//! beside it that a witness once cosigned: `audit verify --witness` is not taken in by that.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use strongroom::clock::Clock;
use strongroom::envelope::statement::SigningKey;
use strongroom::identity::GatewaySecrets;
use strongroom::merkle::{Checkpoint, CosignerKey, Edge, SignedNote, VerifierKey, leaf_hash};
use strongroom::secrets::Secret;

use crate::support::demo::{Demo, Ran, copy, strongroom, text};

const NAME: &str = "witness.example/w1";

fn witness() -> (CosignerKey, SigningKey) {
    let key = SigningKey::from_seed(&Secret::new([7; 32]));
    (CosignerKey::new(NAME, key.public().0).expect("a name"), key)
}

/// The line of an honest witness under the checkpoint `note`.
pub(crate) fn cosigned(note: &str, ago_seconds: i64) -> String {
    let (witness, key) = witness();
    let note = SignedNote::parse(note).expect("a note");
    let seconds = u64::try_from(Clock::System.now().as_secs() - ago_seconds).expect("after 1970");
    witness.cosign(note.text(), seconds, |message| key.sign(message))
}

/// The witness's verifier key.
pub(crate) fn witness_key() -> String {
    witness().0.to_string()
}

/// A database in the hands of somebody who has the log's key too.
struct Taken {
    data: PathBuf,
    db: SqliteConnection,
    log: SigningKey,
    size: u64,
    root: Vec<u8>,
    note: String,
}

impl Taken {
    async fn of(whole: &Path, to: PathBuf) -> Self {
        copy(whole, &to);
        let log = GatewaySecrets::load(&to.join("secrets.json")).expect("secrets").log_key();
        let path = format!("sqlite://{}", to.join("strongroom.db").display());
        let mut db = SqliteConnection::connect(&path).await.expect("connects");
        let newest = "SELECT size, root, note FROM checkpoints ORDER BY size DESC LIMIT 1";
        let row = sqlx::query(newest).fetch_one(&mut db).await.expect("a checkpoint");
        let size = u64::try_from(row.get::<i64, _>(0)).expect("a size");
        Self { data: to, db, log, size, root: row.get(1), note: row.get(2) }
    }

    async fn sql(&mut self, sql: &str) {
        let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut self.db).await;
        done.unwrap_or_else(|e| panic!("{sql}: {e}"));
    }

    async fn put_checkpoint(&mut self, size: i64, root: &[u8], note: &str) {
        sqlx::query("INSERT INTO checkpoints VALUES ($1, $2, $3, 1)")
            .bind(size)
            .bind(root)
            .bind(note)
            .execute(&mut self.db)
            .await
            .expect("filed");
    }

    async fn put_cosignature(&mut self, size: i64, line: &str) {
        sqlx::query("INSERT INTO cosignatures VALUES ($1, $2, $3, 1)")
            .bind(NAME)
            .bind(size)
            .bind(line)
            .execute(&mut self.db)
            .await
            .expect("filed");
    }

    /// Every opening becomes a listing, down to the leaves, the tiles and a new checkpoint.
    async fn rewrite(&mut self) {
        let rows = sqlx::query("SELECT id, text FROM entries ORDER BY position");
        let rows = rows.fetch_all(&mut self.db).await.expect("entries");
        let mut edge = Edge::default();
        let mut changed = 0;
        for row in rows {
            let (id, text): (i64, String) = (row.get(0), row.get(1));
            let new = text.replacen("\naction ", "\naction x", 1);
            changed += u64::from(new != text);
            let leaf = leaf_hash(new.as_bytes());
            sqlx::query("UPDATE entries SET text = $1, leaf = $2 WHERE id = $3")
                .bind(&new)
                .bind(&leaf[..])
                .bind(id)
                .execute(&mut self.db)
                .await
                .expect("rewritten");
            edge.push(leaf, |_, _, _| {});
        }
        assert_eq!((edge.size(), changed), (self.size, self.size));
        for (level, tile, hashes) in edge.take_tiles() {
            sqlx::query("UPDATE tree_tiles SET hashes = $1 WHERE level = $2 AND tile = $3")
                .bind(hashes.as_flattened())
                .bind(i64::from(level))
                .bind(i64::try_from(tile).expect("small"))
                .execute(&mut self.db)
                .await
                .expect("rewritten");
        }
        self.sql("DELETE FROM checkpoints").await;
        let name = self.log.public().key_id().to_string();
        let key = VerifierKey::new(&name, self.log.public().0).expect("a name");
        let head = Checkpoint { origin: name, size: edge.size(), root: edge.root() };
        let note = head.sign(&key, |message| self.log.sign(message));
        let size = i64::try_from(self.size).expect("small");
        self.put_checkpoint(size, &head.root, &note.to_string()).await;
    }

    async fn verify(self, more: &[&str]) -> Ran {
        self.db.close().await.expect("closed");
        let (data, key) = (text(&self.data), witness_key());
        let mut command = strongroom(&["--json", "audit", "verify", "--data", &data]);
        command.args(["--witness", &key]).args(more);
        Ran::of(&command.output().expect("the program runs"))
    }
}

#[tokio::test]
async fn a_rewritten_log_is_not_vouched_for_by_the_checkpoint_it_had_before() {
    let mut demo = Demo::start();
    assert_eq!(demo.stop(), Some(0));
    let whole = demo.data();
    let taken = async |name: &str| Taken::of(&whole, demo.place(name)).await;

    // As it was, with the cosignature of its newest checkpoint: all of it is vouched for.
    let mut honest = taken("honest").await;
    let (size, line) = (i64::try_from(honest.size).expect("small"), cosigned(&honest.note, 0));
    honest.put_cosignature(size, &line).await;
    let shown = honest.verify(&[]).await.ok();
    let newest = &shown["witnesses"][0];
    assert_eq!((&newest["size"], &newest["behind"]), (&size.into(), &0.into()), "{shown}");

    // Rewritten, with that checkpoint under a size that no walk over the log meets.
    for (place, fault) in
        [(0, "misfiled"), (-1, "misfiled"), (i64::MAX, "misfiled"), (size + 1, "misfiled")]
    {
        let mut forged = taken(&format!("at {place}")).await;
        let (root, note) = (forged.root.clone(), forged.note.clone());
        forged.rewrite().await;
        forged.put_checkpoint(place, &root, &note).await;
        forged.put_cosignature(place, &line).await;
        let ran = forged.verify(&[]).await;
        assert_eq!((ran.status, &ran.json["ok"]), (4, &false.into()), "{place}: {}", ran.stderr);
        assert_eq!(ran.json["fault"]["code"], fault, "{place}: {}", ran.json);
    }
    // Under its own size, in place of the new one; under another one's; or only its line.
    let mut forged = taken("in place").await;
    let (root, note) = (forged.root.clone(), forged.note.clone());
    forged.rewrite().await;
    forged.sql("DELETE FROM checkpoints").await;
    forged.put_checkpoint(size, &root, &note).await;
    forged.put_cosignature(size, &line).await;
    let ran = forged.verify(&[]).await;
    assert_eq!((ran.status, &ran.json["fault"]["code"]), (4, &"checkpoint".into()));
    let mut forged = taken("half").await;
    forged.rewrite().await;
    forged.sql(&format!("UPDATE checkpoints SET note = '{note}'")).await;
    forged.put_cosignature(size, &line).await;
    let ran = forged.verify(&[]).await;
    assert_eq!((ran.status, &ran.json["fault"]["code"]), (4, &"signature".into()));
    let mut forged = taken("line").await;
    forged.rewrite().await;
    forged.put_cosignature(size, &line).await;
    let ran = forged.verify(&[]).await;
    assert_eq!((ran.status, ran.code()), (4, "not_cosigned".into()), "{}", ran.stderr);
}

#[tokio::test]
async fn a_witness_that_lags_is_named_and_after_a_day_not_enough() {
    let mut demo = Demo::start();
    assert_eq!(demo.stop(), Some(0));
    let whole = demo.data();
    // Cosigned again and again, but never more than the first checkpoint.
    let lagging = async |name: &str| {
        let mut taken = Taken::of(&whole, demo.place(name)).await;
        let first = "SELECT size, note FROM checkpoints ORDER BY size LIMIT 1";
        let row = sqlx::query(first).fetch_one(&mut taken.db).await.expect("a checkpoint");
        let (size, note): (i64, String) = (row.get(0), row.get(1));
        taken.put_cosignature(size, &cosigned(&note, 0)).await;
        (taken, size)
    };
    let (taken, size) = lagging("fresh").await;
    let behind = taken.size - u64::try_from(size).expect("a size");
    assert!(behind > 0, "the demo makes more than one checkpoint");
    let shown = taken.verify(&[]).await.ok();
    let newest = &shown["witnesses"][0];
    assert_eq!((&newest["size"], &newest["behind"]), (&size.into(), &behind.into()), "{shown}");
    assert!(newest["behind_since"].is_string(), "{shown}");

    // The same a day on.
    let (taken, _) = lagging("later").await;
    taken.db.close().await.expect("closed");
    let (data, key) = (text(&taken.data), witness_key());
    let mut command = std::process::Command::new("faketime");
    command.args(["-f", "+25h", env!("CARGO_BIN_EXE_strongroom"), "--json", "audit", "verify"]);
    command.args(["--data", &data, "--witness", &key]);
    let ran = Ran::of(&command.output().expect("faketime runs"));
    assert_eq!((ran.status, ran.code()), (4, "not_cosigned".into()), "{} {}", ran.json, ran.stderr);
    assert!(ran.stderr.contains("more than a day ago"), "{}", ran.stderr);
}
