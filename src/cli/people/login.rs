//! `strongroom login`: a new device, or one that was logged out.
//!
//! The opened keyring must match the member's card, and the card must lead back to the root
//! key: the pinned one, the one given with `--root`, or on a first login the one the gateway
//! names, which is shown so that it can be compared.

use std::path::{Path, PathBuf};

use http::Method;
use zeroize::Zeroizing;

use crate::api::{
    KeyringHeader, KitLogin, LoginFinish, LoginStart, LoginStarted, Me, SessionOpened, Statements,
};
use crate::clock::Clock;
use crate::envelope::keyring::{self, Unlock};
use crate::envelope::statement::{Card, PublicKey};
use crate::envelope::{FileKey, Header, Keyring};
use crate::ids::{KeyId, MemberId};
use crate::opaque;
use crate::secrets::Secret;
use crate::trust::Directory;
use crate::trust::fragment::kit_token;

use super::kit::{self, Kit};
use super::sessions::show_me;
use crate::cli::Context;
use crate::cli::directory::{FIRM, believed, refused};
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, Gateway};
use crate::cli::profile::{
    self, Desk, DeviceKeyring, NewProfile, Profile, ProfileInfo, StoredTokens, keys_match_card,
};
use crate::cli::words::Word;

/// Log in on this device · 在本机登录
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom login --gateway https://files.example.com --login wang.li
  strongroom --profile ~/new login --gateway https://… --login wang.li --kit recovery-kit.txt")]
pub struct LoginArgs {
    /// The gateway's address · 网关地址
    #[arg(long, value_name = "URL")]
    pub gateway: String,
    /// Your login name · 登录名
    #[arg(long, value_name = "LOGIN")]
    pub login: String,
    /// Take the passphrase from the first line of this file instead of asking · 从文件首行读取口令
    #[arg(long, value_name = "FILE", conflicts_with = "kit")]
    pub passphrase_file: Option<PathBuf>,
    /// Log in with the recovery kit in this file · 用恢复套件登录
    #[arg(long, value_name = "FILE")]
    pub kit: Option<PathBuf>,
    /// Take only this root key: its fingerprint as printed on the kit
    #[arg(long, value_name = "FINGERPRINT")]
    pub root: Option<KeyId>,
    /// What to call this device in the list of sessions · 本设备名称
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
}

/// How a person proves who they are.
pub enum Proof {
    /// Their passphrase.
    Passphrase(Zeroizing<String>),
    /// Their recovery kit.
    Kit(Kit),
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(…)",
            Self::Kit(_) => "Kit(…)",
        })
    }
}

/// Everything logging in needs to know.
#[derive(Debug)]
pub struct LoginPlan<'a> {
    /// The gateway's address.
    pub gateway: &'a str,
    /// The login name.
    pub login: String,
    /// The proof.
    pub proof: Proof,
    /// The only root key to take; any on a first login without one.
    pub root: Option<KeyId>,
    /// What the device is called.
    pub device: String,
    /// The profile folder to make or to renew.
    pub profile: &'a Path,
    /// The CA to pin (PEM).
    pub ca: Option<Vec<u8>>,
}

/// What the gateway released for a proof, and the keyring's file key.
struct Opened {
    session: SessionOpened,
    member: MemberId,
    file_key: FileKey,
}

fn wrong() -> Error {
    Error::new(Word::LoggedOut)
}

fn header_of(session: &SessionOpened, unlock: Unlock) -> Result<Header, Error> {
    session
        .keyring
        .headers
        .iter()
        .filter(|header| header.kind == unlock.as_str())
        .find_map(|header| Header::parse_detached(&header.header.0).ok())
        .ok_or_else(|| Error::new(Word::BadKeyring))
}

async fn start(
    gateway: &Gateway,
    login: &str,
    passphrase: &[u8],
) -> Result<(opaque::ClientLogin, LoginStarted), Error> {
    let failed = |e: opaque::Error| Error::new(Word::Internal).about("OPAQUE").because(e);
    let (state, request) = opaque::client_login_start(passphrase).map_err(failed)?;
    let start = LoginStart { login: login.to_owned(), request: crate::api::Base64(request) };
    Ok((state, gateway.json(&Ask::post("/login/start", &start)?, None).await?))
}

async fn by_passphrase(
    gateway: &Gateway,
    login: &str,
    passphrase: Zeroizing<String>,
    device: String,
) -> Result<Opened, Error> {
    let (state, started) = start(gateway, login, passphrase.as_bytes()).await?;
    let LoginStarted { attempt, member, response } = started;
    let (finalization, export_key) = super::aside(move || {
        opaque::client_login_finish(state, passphrase.as_bytes(), &response.0)
    })
    .await?
    .map_err(|_| wrong())?;
    let finalization = crate::api::Base64(finalization);
    let finish = LoginFinish { attempt, finalization, device };
    let session: SessionOpened = gateway.json(&Ask::post("/login/finish", &finish)?, None).await?;
    let header = header_of(&session, Unlock::Opaque)?;
    let file_key = keyring::unwrap(&header, Unlock::Opaque, export_key.expose(), member)
        .map_err(|_| Error::new(Word::BadKeyring))?;
    Ok(Opened { session, member, file_key })
}

async fn by_kit(
    gateway: &Gateway,
    login: &str,
    kit: &Kit,
    device: String,
) -> Result<Opened, Error> {
    let member = match kit.member {
        Some(member) => member,
        // Letters alone do not say for whom the kit's token is derived; the first message of a
        // login by passphrase does, and counts as one.
        None => start(gateway, login, Secret::<32>::random().expose()).await?.1.member,
    };
    let kit = &kit.secret;
    let token = kit_token(kit, member).to_base64url().to_string();
    let proof = KitLogin { login: login.to_owned(), token, device };
    let session: SessionOpened = gateway.json(&Ask::post("/login/kit", &proof)?, None).await?;
    let header = header_of(&session, Unlock::Kit)?;
    let file_key = keyring::unwrap(&header, Unlock::Kit, kit.expose(), member)
        .map_err(|_| Error::new(Word::BadKeyring))?;
    Ok(Opened { session, member, file_key })
}

/// The keyring, when it matches the card and the card leads back to `root`.
async fn verified_keyring(
    gateway: &Gateway,
    opened: &Opened,
    root: PublicKey,
    desk: Option<&Desk>,
) -> Result<Keyring, Error> {
    let bad = || Error::new(Word::BadKeyring);
    let Opened { session, member, file_key } = opened;
    let keyring = keyring::open_with_key(file_key.clone(), &session.keyring.payload.0, *member)
        .map_err(|_| bad())?;
    let card: Card = session.card.decode().map_err(|_| bad())?;
    if session.member != *member || !keys_match_card(&keyring.keys(), *member, keyring.epoch, &card)
    {
        return Err(bad());
    }
    let token = Some(session.tokens.access_token.as_str());
    let before = desk.map(|desk| desk.memory(FIRM)).transpose()?;
    let Statements { statements } = gateway.json(&Ask::get("/directory"), token).await?;
    let directory = match desk.zip(before) {
        Some((desk, before)) => believed(desk, FIRM, before, root, Some(*member), &statements)?,
        None => Directory::verify(root, &statements).map_err(refused)?,
    };
    if directory.card(*member) == Some(&card) { Ok(keyring) } else { Err(bad()) }
}

/// Logs in and writes or renews the profile. Returns it and whether the root key is new here.
///
/// # Errors
/// [`Word::LoggedOut`] for a wrong name, passphrase or kit, [`Word::ForeignRoot`],
/// [`Word::BadKeyring`], [`Word::ProfileOther`], and those of asking.
pub async fn login(plan: LoginPlan<'_>, clock: &Clock) -> Result<(Profile, bool), Error> {
    let existing =
        if Profile::exists(plan.profile) { Some(Profile::open(plan.profile)?) } else { None };
    let pinned_ca = existing.as_ref().map(Profile::ca).transpose()?.flatten();
    let ca = plan.ca.or(pinned_ca);
    let gateway = Gateway::at(plan.gateway, ca.as_deref())?;
    if let Some(profile) = &existing
        && profile.info().gateway != gateway.origin()
    {
        return Err(Error::new(Word::ProfileOther).about_path(plan.profile));
    }
    // A kit's page names the only root key to take; a lying gateway has another.
    let wanted = plan.root.or(match &plan.proof {
        Proof::Kit(kit) => kit.root,
        Proof::Passphrase(_) => None,
    });
    let opened = match plan.proof {
        Proof::Passphrase(passphrase) => {
            by_passphrase(&gateway, &plan.login, passphrase, plan.device).await?
        }
        Proof::Kit(kit) => by_kit(&gateway, &plan.login, &kit, plan.device).await?,
    };
    let pinned = existing.as_ref().map(|profile| profile.info().root);
    let token = opened.session.tokens.access_token.clone();
    match settle(&gateway, opened, existing, wanted, plan.profile, ca.as_deref(), clock).await {
        Ok(profile) => Ok((profile, pinned.is_none() && wanted.is_none())),
        Err(error) => {
            // No session stays behind of a device that refused; best effort, there is worse to report.
            let _ = gateway.answer(&Ask::new(Method::POST, "/session/end"), Some(&token)).await;
            Err(error)
        }
    }
}

/// Verifies what was opened and writes the profile.
async fn settle(
    gateway: &Gateway,
    opened: Opened,
    existing: Option<Profile>,
    wanted: Option<KeyId>,
    dir: &Path,
    ca: Option<&[u8]>,
    clock: &Clock,
) -> Result<Profile, Error> {
    let root = opened.session.root();
    let pinned = existing.as_ref().map(|profile| profile.info().root);
    if pinned.is_some_and(|pinned| pinned != root)
        || wanted.is_some_and(|wanted| wanted != root.key_id())
    {
        return Err(Error::new(Word::ForeignRoot));
    }
    if existing.as_ref().is_some_and(|profile| profile.info().member != opened.member) {
        return Err(Error::new(Word::ProfileOther).about_path(dir));
    }
    let desk = existing.as_ref().map(Profile::desk);
    let keyring = verified_keyring(gateway, &opened, root, desk.as_ref()).await?;
    if existing.as_ref().is_some_and(|profile| keyring.epoch < profile.info().epoch) {
        return Err(Error::new(Word::BadKeyring));
    }
    let Opened { session, member, file_key } = opened;
    let device = DeviceKeyring::wrap(&file_key, session.keyring.payload.0, member, session.card);
    let header = KeyringHeader {
        kind: Unlock::Device.as_str().into(),
        header: device.stored.header.clone(),
    };
    let ask = Ask::json(Method::PUT, "/keyring/headers", &header)?;
    gateway.answer(&ask, Some(&session.tokens.access_token)).await?;
    let token = session.tokens.access_token.clone();
    let me: Me = gateway.json(&Ask::get("/me"), Some(&token)).await?;
    let info = ProfileInfo {
        version: ProfileInfo::VERSION,
        gateway: gateway.origin().to_owned(),
        firm: session.firm.name,
        root,
        member,
        role: session.role,
        login: me.login,
        name: me.name,
        session: session.session,
        epoch: keyring.epoch,
    };
    let tokens = Some(StoredTokens::new(session.tokens, clock.now()));
    let new = NewProfile { info, ca, keyring: &device, tokens };
    match existing {
        Some(profile) => {
            if profile.info().epoch < keyring.epoch {
                profile.desk().retire_heads(profile.info().epoch)?;
            }
            let profile = profile.renew(new)?;
            // What another device did not finish is of no use here any more.
            profile.forget_rotation()?;
            Ok(profile)
        }
        None => Profile::create(dir, new),
    }
}

fn proof(context: &Context, args: &LoginArgs) -> Result<Proof, Error> {
    if let Some(path) = &args.kit {
        let bytes = profile::read(path)?
            .map(Zeroizing::new)
            .ok_or_else(|| Error::new(Word::NoSuchFile).about_path(path))?;
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        return kit::read(text)
            .map(Proof::Kit)
            .ok_or_else(|| Error::new(Word::BadKit).about_path(path));
    }
    if let Some(path) = &args.passphrase_file {
        return super::passphrase_from(path).map(Proof::Passphrase);
    }
    let terminal = &context.terminal;
    if !terminal.asks() {
        return Err(Error::new(Word::SecretNeeded));
    }
    terminal.ask_secret(terminal.pick("passphrase", "口令")).map(Proof::Passphrase)
}

/// Runs the command.
///
/// # Errors
/// As [`login`].
pub async fn run(context: &Context, args: LoginArgs) -> Result<(), Error> {
    let dir = context.profile_dir()?;
    let plan = LoginPlan {
        gateway: &args.gateway,
        login: args.login.clone(),
        proof: proof(context, &args)?,
        root: args.root,
        device: super::device_name(args.device.as_deref()),
        profile: &dir,
        ca: context.ca()?,
    };
    let (profile, first_seen) = login(plan, &context.clock).await?;
    if first_seen {
        let root = profile.info().root.key_id();
        context.terminal.say(match context.terminal.lang {
            crate::cli::lang::Lang::En => format!(
                "This device has not met the firm before. Compare its root key with the one on \
                 your recovery kit: {root}"
            ),
            crate::cli::lang::Lang::Zh => {
                format!("本机首次接触该机构。请将其根密钥与恢复套件上的核对：{root}")
            }
        });
    }
    show_me(context, &context.session()?).await
}
