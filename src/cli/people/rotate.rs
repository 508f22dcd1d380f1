//! `strongroom key rotate`: new keys in place of those this member has, signed by the old ones.
//!
//! Order matters: the new kit and everything that finishes the rotation are on this disk before
//! the gateway is told; the old keyring gives way only after it has said yes. What was begun is
//! finished by the next command. Old keys stay inside the new keyring: what was sealed to them
//! opens for ever.

use std::path::{Path, PathBuf};

use http::Method;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::api::{Base64, KeyringHeader, KeyringSealed, Rotation, RotationStart, RotationStarted};
use crate::cli::Context;
use crate::cli::error::{Error, Exit};
use crate::cli::firm::root_key;
use crate::cli::gateway::{Ask, Session};
use crate::cli::lang::Lang;
use crate::cli::profile::{DeviceKeyring, PendingRotation, Profile};
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::Keyring;
use crate::envelope::keyring::{self, Unlock};
use crate::envelope::statement::{Card, Hash, Note, Recipient, Role};
use crate::ids::MemberId;
use crate::opaque::{self, ExportKey};
use crate::secrets::Secret;
use crate::trust::fragment::kit_token;
use crate::trust::{Spoken, spoken};

use super::kit::{self, KitPage};

/// Replace your keys by new ones · 更换密钥
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom key rotate
  strongroom key rotate --passphrase-file pass.txt --kit kit-2.txt

What was sealed to the old keys stays readable. Other devices must log in again, and only the new
recovery kit opens. Others seal nothing to you before somebody has compared your new words with you.
旧密钥封存的文档仍可打开；其他设备须重新登录，只有新的恢复套件有效；他人与您核对新的核对词之后才会向您封存。")]
pub struct RotateArgs {
    /// Take the passphrase from the first line of this file (- is standard input) instead of
    /// asking: the present one or a new one
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Where to write the new recovery kit (default: recovery-kit-EPOCH.txt in the profile)
    #[arg(long, value_name = "FILE")]
    pub kit: Option<PathBuf>,
}

/// New keys.
#[derive(Clone, Debug, Serialize)]
struct Rotated {
    member: MemberId,
    epoch: u64,
    recipient: Option<String>,
    fingerprint: Hash,
    words: Spoken,
    kit: PathBuf,
}

impl Rotated {
    fn of(profile: &Profile, pending: &PendingRotation) -> Result<Self, Error> {
        let damaged = || Error::new(Word::ProfileDamaged).about_path(profile.dir());
        let card: Card = pending.keyring.card.decode().map_err(|_| damaged())?;
        let recipient = card.recipient.ok_or_else(damaged)?;
        let fingerprint = recipient.fingerprint();
        Ok(Self {
            member: card.member,
            epoch: card.epoch,
            words: spoken(&fingerprint),
            fingerprint,
            recipient: Some(recipient.to_string()),
            kit: pending.kit.clone(),
        })
    }
}

/// Runs the command.
///
/// # Errors
/// [`Word::SecretNeeded`], [`Word::TooManyRotations`], [`Word::ChainMoved`] where another device
/// was faster, and those of asking.
pub async fn run(context: &Context, args: RotateArgs) -> Result<(), Error> {
    let session = context.session()?;
    let profile = session.profile();
    let pending = {
        let _turn = profile.rotation_turn().await?;
        let pending = prepare(context, &session, args).await?;
        profile.keep_rotation(&pending)?;
        finish(&session, &pending).await?;
        pending
    };
    let rotated = Rotated::of(profile, &pending)?;
    let terminal = &context.terminal;
    terminal.result(&rotated, || {
        let (words, kit) = (terminal.lang.spoken(&rotated.words), rotated.kit.display());
        match terminal.lang {
            Lang::En => format!(
                "Your keys are new. Your words now: {words}\nRead them to a lead of the firm, who \
                 confirms them for everybody:\n  strongroom recipients confirm {} --fingerprint \
                 'WORDS'\nPrint {kit}, keep the paper safe, and delete the file; the old kit opens \
                 nothing any more.\nOther devices must log in again.",
                rotated.member
            ),
            Lang::Zh => format!(
                "密钥已更换。新的核对词：{words}\n请念给机构主管会计听，由其为所有人确认：\n  strongroom \
                 recipients confirm {} --fingerprint '核对词'\n请打印 {kit} 并妥善保管，然后删除该文件；\
                 旧套件不再有效。\n其他设备须重新登录。",
                rotated.member
            ),
        }
    })
}

/// Finishes a rotation that an earlier command began, if there is one.
///
/// # Errors
/// As [`run`]; the rotation stays to be finished where the gateway cannot be reached.
pub async fn finish_begun(context: &Context) -> Result<(), Error> {
    let dir = context.profile_dir()?;
    if !Profile::exists(&dir) || Profile::open(&dir)?.pending_rotation()?.is_none() {
        return Ok(());
    }
    let profile = Profile::open(&dir)?;
    let _turn = profile.rotation_turn().await?;
    // Whoever waited may find it done.
    let session = context.session()?;
    let Some(pending) = session.profile().pending_rotation()? else { return Ok(()) };
    finish(&session, &pending).await?;
    let kit = pending.kit.display();
    context.terminal.say(match context.terminal.lang {
        Lang::En => format!("The rotation begun before is finished; the new kit is {kit}."),
        Lang::Zh => format!("先前开始的密钥更换已完成；新的恢复套件：{kit}。"),
    });
    Ok(())
}

/// Tells the gateway, and works with the new keys once it has said yes.
async fn finish(session: &Session, pending: &PendingRotation) -> Result<(), Error> {
    let profile = session.profile();
    let ask = Ask::json(Method::POST, "/keyring/rotation", &pending.request)?;
    match session.answer(&ask).await {
        Ok(_) => profile.finish_rotation(pending),
        Err(error) => {
            // Refused for certain: the old keys stay, and the kit opens nothing. A session that
            // has ended says nothing about it.
            if error.exit() == Exit::Refused && error.word() != Word::LoggedOut {
                profile.forget_rotation()?;
                let _ = std::fs::remove_file(&pending.kit);
            }
            Err(error)
        }
    }
}

/// Makes the next keys and writes their kit.
async fn prepare(
    context: &Context,
    session: &Session,
    args: RotateArgs,
) -> Result<PendingRotation, Error> {
    let profile = session.profile();
    let old = profile.unlock()?;
    let most = Keyring::MAX_FORMER;
    let next = old.rotated().ok_or_else(|| Error::new(Word::TooManyRotations).about(most))?;
    let nothing = RotationStart { request: None };
    let mut started: RotationStarted = session.post("/keyring/rotation/start", &nothing).await?;
    let mut registered = None;
    if started.passphrase || args.passphrase_file.is_some() {
        let terminal = &context.terminal;
        let passphrase = super::new_passphrase(args.passphrase_file.as_ref(), terminal)?
            .ok_or_else(|| Error::new(Word::SecretNeeded))?;
        let (answer, upload, export_key) = register(session, passphrase).await?;
        started = answer;
        registered = Some((upload, export_key));
    }
    // Another card than this device's is another device's rotation.
    if started.card.hash() != profile.card()?.hash() {
        return Err(Error::new(Word::ChainMoved));
    }
    let time = session.clock().now().max(started.not_before);
    let card = next_card(profile, &old, &next, &started.card, time)?;
    let (payload, file_key) = keyring::seal(&next);
    let member = next.member;
    let device = DeviceKeyring::wrap(&file_key, payload.clone(), member, card.clone());
    let header = |unlock: Unlock, secret: &[u8]| {
        let header = keyring::wrap(&file_key, unlock, secret, member);
        KeyringHeader { kind: unlock.as_str().into(), header: Base64(header.as_bytes().to_vec()) }
    };
    let kit = Secret::random();
    let mut headers = vec![
        KeyringHeader {
            kind: Unlock::Device.as_str().into(),
            header: device.stored.header.clone(),
        },
        header(Unlock::Kit, kit.expose()),
    ];
    if let Some((_, export_key)) = &registered {
        headers.push(header(Unlock::Opaque, export_key.expose()));
    }
    let request = Rotation {
        card,
        registration: registered.map(|(upload, _)| Base64(upload)),
        kit_token_hash: Hash::of(kit_token(&kit, member).expose()),
        keyring: KeyringSealed { payload: Base64(payload), headers },
    };
    let default = || profile.dir().join(format!("recovery-kit-{}.txt", next.epoch));
    let path = std::path::absolute(args.kit.unwrap_or_else(default))
        .map_err(|e| Error::new(Word::CannotWrite).about("--kit").because(e))?;
    write_kit(profile, &next, &kit, &path)?;
    Ok(PendingRotation::new(request, &device, next.epoch, path))
}

fn write_kit(
    profile: &Profile,
    next: &Keyring,
    kit: &Secret<32>,
    path: &Path,
) -> Result<(), Error> {
    let info = profile.info();
    let around = KitPage {
        firm: &info.firm,
        gateway: &info.gateway,
        login: &info.login,
        member: info.member,
        root: info.root.key_id(),
        words: spoken(&next.keys().recipient().fingerprint()),
    };
    super::write_secret_file(path, &kit::page(kit, around))
}

/// The next card, signed by its own key and the one before; by the root too, where this device
/// has it: nobody else could vouch for the first lead.
fn next_card(
    profile: &Profile,
    old: &Keyring,
    next: &Keyring,
    before: &Note,
    time: Timestamp,
) -> Result<Note, Error> {
    let (old_keys, keys) = (old.keys(), next.keys());
    let previous: Card = before.decode().map_err(|_| Error::new(Word::BadKeyring))?;
    let card = Card {
        epoch: next.epoch,
        sign: keys.sign.public(),
        recipient: Some(Recipient::from(&keys.recipient())),
        recipient_pq: Some(Recipient::from(&keys.recipient_post_quantum())),
        prev: Some(before.hash()),
        time,
        ..previous
    };
    let mut note = Note::sign(&card, &[&keys.sign, &old_keys.sign]);
    if profile.info().role == Role::Lead
        && let Ok(root) = root_key(profile, &old_keys)
    {
        note.add_signature(&root);
    }
    Ok(note)
}

/// Registers the passphrase anew: what the gateway said, its upload and the export key.
async fn register(
    session: &Session,
    passphrase: Zeroizing<String>,
) -> Result<(RotationStarted, Vec<u8>, ExportKey), Error> {
    let failed = |e: opaque::Error| Error::new(Word::BadAnswer).because(e);
    let (state, request) = opaque::client_register_start(passphrase.as_bytes()).map_err(failed)?;
    let start = RotationStart { request: Some(Base64(request)) };
    let started: RotationStarted = session.post("/keyring/rotation/start", &start).await?;
    let response = started.response.clone();
    let response = response.ok_or_else(|| Error::new(Word::BadAnswer).because("no response"))?;
    let (upload, export_key) = super::aside(move || {
        opaque::client_register_finish(state, passphrase.as_bytes(), &response.0)
    })
    .await?
    .map_err(failed)?;
    Ok((started, upload, export_key))
}
