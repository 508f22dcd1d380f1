//! The sequencer's turns, and the copies of checkpoints that leave the database.

use std::future::Future;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::audit::{Sequencer, Signed};
use crate::clock::{Clock, Timestamp};
use crate::notices::CheckpointMail;
use crate::objects::Objects;

/// How long an entry waits for its position at most, while nothing is wrong.
const EVERY: Duration = Duration::from_millis(500);
/// After a failure it is tried again so much later.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// A mail that failed is tried again so many seconds later.
const MAIL_AGAIN_SECONDS: i64 = 60;

/// Where copies of checkpoints go.
pub struct Copies {
    /// A folder; none where this is empty.
    pub folder: PathBuf,
    /// At most one in so many seconds.
    pub every_seconds: u64,
    /// The object store, where it is to have them too.
    pub objects: Option<Objects>,
    /// Mailboxes, where some are to have them.
    pub mail: Option<CheckpointMail>,
    /// At most one mail in so many seconds.
    pub mail_seconds: u64,
}

/// Sequences until `stop` is over, and what is left then once more.
pub async fn run(
    sequencer: Sequencer,
    clock: Clock,
    copies: Copies,
    stop: impl Future<Output = ()>,
) {
    let mut keeper =
        Keeper { copies, clock, last: None, newest: None, last_mail: None, unmailed: None };
    let turns = async {
        loop {
            match sequencer.all().await {
                Ok(signed) => {
                    keeper.mail(signed.as_ref()).await;
                    keeper.keep(signed, false).await;
                    tokio::time::sleep(EVERY).await;
                }
                Err(error) => {
                    tracing::error!(%error, "the audit log was not sequenced; it is tried again");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    };
    tokio::select! {
        () = stop => {}
        () = turns => {}
    }
    match sequencer.all().await {
        Ok(signed) => keeper.keep(signed, true).await,
        Err(error) => tracing::error!(%error, "the end of the audit log was not sequenced"),
    }
    if let Err(error) = sequencer.release().await {
        tracing::warn!(%error, "the sequencer's lease was not given back");
    }
}

struct Keeper {
    copies: Copies,
    clock: Clock,
    last: Option<Timestamp>,
    newest: Option<Signed>,
    last_mail: Option<Timestamp>,
    /// Size and text of the newest that was not mailed.
    unmailed: Option<(u64, String)>,
}

impl Keeper {
    /// Mails the newest checkpoint when it is time; what fails is tried again with what is the
    /// newest then.
    async fn mail(&mut self, signed: Option<&Signed>) {
        let Some(mail) = &self.copies.mail else { return };
        if let Some(signed) = signed {
            self.unmailed = Some((signed.size, signed.note.to_string()));
        }
        let now = self.clock.now();
        let seconds = i64::try_from(self.copies.mail_seconds).unwrap_or(i64::MAX);
        if self.last_mail.is_some_and(|last| last.plus_secs(seconds) > now) {
            return;
        }
        let Some((size, note)) = &self.unmailed else { return };
        match mail.send(*size, note).await {
            Ok(()) => {
                (self.last_mail, self.unmailed) = (Some(now), None);
            }
            Err(why) => {
                tracing::warn!(%why, size, "a checkpoint was not mailed; it is tried again");
                // As if it had been mailed so long ago that the next try is in a minute.
                self.last_mail = Some(now.plus_secs(MAIL_AGAIN_SECONDS - seconds));
            }
        }
    }

    /// Copies the newest checkpoint when it is time, or when it is the last.
    async fn keep(&mut self, signed: Option<Signed>, last: bool) {
        if signed.is_some() {
            self.newest = signed;
        }
        let now = self.clock.now();
        let seconds = i64::try_from(self.copies.every_seconds).unwrap_or(i64::MAX);
        let due = self.last.is_none_or(|last| last.plus_secs(seconds) <= now);
        if !(due || last) {
            return;
        }
        let Some(newest) = self.newest.take() else { return };
        self.last = Some(now);
        let note = newest.note.to_string();
        if !self.copies.folder.as_os_str().is_empty() {
            let (folder, text) = (self.copies.folder.clone(), note.clone());
            let written =
                tokio::task::spawn_blocking(move || write(&folder, newest.size, &text)).await;
            if let Err(error) = written.map_err(io::Error::other).and_then(|written| written) {
                tracing::error!(%error, size = newest.size, "a checkpoint was not copied to its folder");
            }
        }
        if let Some(objects) = &self.copies.objects
            && let Err(error) = objects.keep_checkpoint(newest.size, &note).await
        {
            tracing::error!(%error, size = newest.size, "a checkpoint was not copied to the object store");
        }
    }
}

/// Writes the checkpoint as `checkpoint-SIZE.txt` and as `newest.txt`, durably. One of the same
/// size with another text is never replaced.
fn write(folder: &Path, size: u64, note: &str) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(format!("checkpoint-{size:012}.txt"));
    match std::fs::read(&path) {
        Ok(there) if there == note.as_bytes() => {}
        Ok(_) => return Err(io::Error::other("there is another checkpoint of this size")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace(&path, note)?,
        Err(error) => return Err(error),
    }
    replace(&folder.join("newest.txt"), note)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    match path.parent() {
        Some(folder) => std::fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_never_replaced_by_another_of_its_size() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("a/b");
        write(&folder, 7, "seven").expect("written");
        write(&folder, 7, "seven").expect("there already");
        assert!(write(&folder, 7, "another").is_err());
        write(&folder, 8, "eight").expect("written");
        let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("there");
        assert_eq!(read("checkpoint-000000000007.txt"), "seven");
        assert_eq!(read("newest.txt"), "eight");
    }
}
