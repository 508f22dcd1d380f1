//! The firm's audit log as this device knows it: the newest checkpoint it saw, which every later
//! one must have grown out of.
//!
//! Refuses a log that is shorter (cut off, or an older copy) or another one (forked). A
//! checkpoint counts only when a key signed it for which the firm's root vouches, and, where a
//! witness is required, only as far as that cosigned it.

mod memory;

use crate::api::LogHead;
use crate::clock::Timestamp;
use crate::envelope::statement::{Note, PublicKey, Receipt, Role};
use crate::merkle::{COSIGNED_SECONDS, Checkpoint, CosignerKey, SignedNote, VerifierKey};
use crate::trust::Directory;

use super::Context;
use super::error::{Error, file_error};
use super::gateway::Session;
use super::lang::Lang;
use super::profile::{self, Profile};
use super::reading::escaped;
use super::words::Word;

pub use memory::Memory;

/// The key of the witness that is required.
const WITNESS: &str = "witness.txt";

/// A checkpoint that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub head: Checkpoint,
    /// The signed note.
    pub note: SignedNote,
}

/// The keys of the firm's gateway, from cards that its root signed.
#[derive(Debug)]
pub struct GatewayKeys {
    directory: Directory,
}

impl GatewayKeys {
    /// The keys that `cards` name under `root`.
    ///
    /// # Errors
    /// [`Word::BadDirectory`] when the root did not sign them.
    pub fn of(root: PublicKey, cards: &[Note]) -> Result<Self, Error> {
        let directory = Directory::verify(root, cards).map_err(super::directory::refused)?;
        Ok(Self { directory })
    }

    /// Whether the key for receipts signed `receipt`.
    pub fn signed_receipt(&self, receipt: &Note) -> bool {
        let Ok(Receipt { time, .. }) = receipt.decode() else { return false };
        let mut cards = self.directory.cards().filter(|card| card.role == Role::GatewayReceipt);
        // One that was replaced or revoked since spoke for what it signed before.
        cards.any(|card| self.directory.member_signed(card.member, receipt, time))
    }

    /// The newest checkpoint that `witness` cosigned, out of which `newest` must have grown. One
    /// that does not reach to `newest` counts for a day after it was cosigned; how long this device
    /// has seen more than that is for [`Memory::advance`] to say.
    ///
    /// # Errors
    /// [`Word::NotCosigned`], [`Word::LogForked`].
    pub fn cosigned(
        &self,
        witness: &CosignerKey,
        newest: &Verified,
        head: &LogHead,
        now: Timestamp,
    ) -> Result<Verified, Error> {
        let none = || Error::new(Word::NotCosigned).about(witness.name());
        let said = head.cosigned.as_ref().ok_or_else(none)?;
        let note = SignedNote::parse(&said.checkpoint).map_err(|_| none())?;
        let older = self.checkpoint(&note).ok_or_else(none)?;
        let seconds = note.cosigned_by(witness).ok_or_else(none)?;
        let until = i64::try_from(seconds).unwrap_or(0).saturating_add(COSIGNED_SECONDS);
        if older.head.size < newest.head.size && until < now.as_secs() {
            return Err(none());
        }
        let proof: Vec<_> = said.consistency.iter().map(|hash| hash.0).collect();
        if !older.head.grew_into(&newest.head, &proof) {
            return Err(Error::new(Word::LogForked));
        }
        Ok(older)
    }

    /// Reads a checkpoint that the log's key signed. `None` for anything else.
    pub fn checkpoint(&self, note: &SignedNote) -> Option<Verified> {
        let head = Checkpoint::from_text(note.text()).ok()?;
        let mut keys = self.directory.cards().filter(|card| card.role == Role::GatewayLog);
        let signed = keys.any(|card| {
            let key = card.sign;
            VerifierKey::new(&key.key_id().to_string(), key.0)
                .is_ok_and(|key| key.name() == head.origin && note.signed_by(&key))
        });
        signed.then(|| Verified { head, note: note.clone() })
    }
}

/// Looks at the log's head in the name of a profile: it must have grown out of what the profile
/// saw before.
///
/// # Errors
/// [`Word::BadLog`], [`Word::LogRolledBack`], [`Word::LogForked`], [`Word::NotCosigned`], and those
/// of asking.
pub async fn look(session: &Session) -> Result<(), Error> {
    let keys = GatewayKeys { directory: super::directory::fetch(session, None).await? };
    let witness = required(session.profile())?;
    let memory = Memory::of(session.profile()).await?;
    let path = format!("/log/head?since={}{}", memory.since(), named(witness.as_ref()));
    let head: LogHead = session.get(path).await?;
    let Some(text) = &head.checkpoint else { return memory.nothing_there(witness.as_ref()) };
    let newest = SignedNote::parse(text).ok().and_then(|note| keys.checkpoint(&note));
    let newest = newest.ok_or_else(|| Error::new(Word::BadLog))?;
    let now = session.clock().now();
    let cosigned = match &witness {
        Some(witness) => Some((witness, keys.cosigned(witness, &newest, &head, now)?)),
        None => None,
    };
    memory.advance(&newest, &head, cosigned.as_ref().map(|(key, older)| (*key, older)), now)
}

/// The witness that `profile` requires, where it does.
///
/// # Errors
/// [`Word::ProfileDamaged`].
pub fn required(profile: &Profile) -> Result<Option<CosignerKey>, Error> {
    let path = profile.dir().join(WITNESS);
    let Some(bytes) = profile::read(&path)? else { return Ok(None) };
    let damaged = || Error::new(Word::ProfileDamaged).about_path(&path);
    let text = String::from_utf8(bytes).map_err(|_| damaged())?;
    text.trim().parse().map(Some).map_err(|_| damaged())
}

/// How a witness is named in a query (RFC 3986, section 2.1).
pub(super) fn named(witness: Option<&CosignerKey>) -> String {
    witness.map_or_else(String::new, |key| format!("&witness={}", escaped(key.name())))
}

/// Require a witness's cosignature · 要求见证方联署
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom require-witness 'witness.example.com/strongroom+5d1e…+BA…'
  strongroom require-witness --none

From then on this profile believes the firm's log only as far as the witness cosigned it: who-saw,
verify, receipt and handover refuse anything else with status 4.
此后本档案仅采信见证方已联署的日志；who-saw、verify、receipt、handover 对其余一律以状态 4 拒绝。")]
pub struct RequireWitnessArgs {
    /// The witness's verifier key, as strongroom witness prints it; get it from the witness
    #[arg(value_name = "KEY", required_unless_present = "none")]
    key: Option<String>,
    /// Require none any more
    #[arg(long, conflicts_with = "key")]
    none: bool,
}

/// Runs `require-witness`.
///
/// # Errors
/// [`Word::BadWitnessKey`], [`Word::NoProfile`], [`Word::CannotWrite`].
pub fn run_require(context: &Context, args: &RequireWitnessArgs) -> Result<(), Error> {
    let profile = Profile::open(&context.profile_dir()?)?;
    let path = profile.dir().join(WITNESS);
    let key = args.key.as_deref().map(witness_key).transpose()?;
    let done = match &key {
        Some(key) => profile::replace_private(&path, format!("{key}\n").as_bytes()),
        None => match std::fs::remove_file(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            done => done,
        },
    };
    done.map_err(|e| file_error(Word::CannotWrite, &path, &e))?;
    let name = key.as_ref().map(CosignerKey::name);
    let terminal = context.terminal;
    terminal.result(&serde_json::json!({ "witness": name }), || match (name, terminal.lang) {
        (Some(name), Lang::En) => format!("required from now on: {name}"),
        (Some(name), Lang::Zh) => format!("此后要求联署：{name}"),
        (None, _) => terminal.pick("no witness is required", "不再要求联署").to_owned(),
    })
}

/// Reads a witness's key as somebody gave it.
///
/// # Errors
/// [`Word::BadWitnessKey`].
pub fn witness_key(text: &str) -> Result<CosignerKey, Error> {
    text.trim().parse().map_err(|_| Error::new(Word::BadWitnessKey).about(text))
}
