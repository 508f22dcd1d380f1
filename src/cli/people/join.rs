//! `strongroom join`: from an invitation to a member with keys of their own.
//!
//! Order matters: the invitation is verified before a key is made, the recovery kit and the
//! folder are written before the gateway is told, and the profile becomes one only afterwards.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::api::{
    Base64, InvitationLook, InvitationSeen, Join, JoinStart, JoinStarted, KeyringHeader,
    KeyringSealed, SessionOpened, limits,
};
use crate::clock::Clock;
use crate::envelope::keyring::{self, Unlock};
use crate::envelope::statement::{Card, Hash, Invitation, Note, Recipient, Role};
use crate::envelope::{FileKey, Keyring, MemberKeys};
use crate::ids::{InvitationId, MemberId};
use crate::opaque::{self, ExportKey};
use crate::secrets::Secret;
use crate::trust::fragment::{Fragment, Purpose, kit_token};
use crate::trust::{Directory, Spoken, spoken};

use super::kit::{self, KitPage};
use crate::cli::Context;
use crate::cli::directory::refused;
use crate::cli::error::Error;
use crate::cli::gateway::{Ask, Gateway};
use crate::cli::link_kind::LinkKind;
use crate::cli::profile::{DeviceKeyring, NewProfile, Profile, ProfileInfo, StoredTokens};
use crate::cli::terminal::printable;
use crate::cli::words::Word;

/// Join with the invitation you were sent · 用邀请链接加入
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom join 'https://files.example.com/i/3f07…#AbC…'
  strongroom --profile ~/office join 'https://…' --login wang.li --passphrase-file pass.txt")]
pub struct JoinArgs {
    /// The whole invitation link, with everything after the # (quote it); - reads it from
    /// standard input
    #[arg(value_name = "URL")]
    pub url: String,
    /// Take the passphrase from the first line of this file (- is standard input) instead of
    /// asking; without a file
    /// and without a terminal the recovery kit is the only way to log in elsewhere
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// The name to log in with later · 日后登录用的名称
    #[arg(long, value_name = "LOGIN")]
    pub login: Option<String>,
    /// Your name as others see it · 您的姓名
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// What to call this device in the list of sessions · 本设备名称
    #[arg(long, value_name = "DEVICE")]
    pub device: Option<String>,
    /// Where to write the recovery kit (default: recovery-kit.txt in the profile) · 恢复套件写入位置
    #[arg(long, value_name = "FILE")]
    pub kit: Option<PathBuf>,
    /// The address that the kit names, where the link leads to the gateway another way
    #[arg(long, value_name = "URL", hide = true)]
    pub kit_gateway: Option<String>,
}

/// Everything joining needs to know.
#[derive(Debug)]
pub struct JoinPlan<'a> {
    /// The invitation link with its fragment.
    pub url: &'a str,
    /// The passphrase; without one the kit is the only way to log in elsewhere.
    pub passphrase: Option<Zeroizing<String>>,
    /// The login name; the member id without one.
    pub login: Option<String>,
    /// The display name; the login name without one.
    pub name: Option<String>,
    /// What the device is called.
    pub device: String,
    /// Where the kit is written.
    pub kit: PathBuf,
    /// The gateway that the kit names; that of the link without one.
    pub kit_gateway: Option<String>,
    /// The profile folder to make.
    pub profile: &'a Path,
    /// The CA to pin (PEM).
    pub ca: Option<Vec<u8>>,
}

/// A new member.
#[derive(Clone, Debug, Serialize)]
pub struct Joined {
    /// Who.
    pub member: MemberId,
    /// As what.
    pub role: Role,
    /// The login name.
    pub login: String,
    /// The `age1…` recipient.
    pub recipient: String,
    /// H of the recipient.
    pub fingerprint: Hash,
    /// Its words, for others to compare.
    pub words: Spoken,
    /// Where the recovery kit was written.
    pub kit: PathBuf,
}

/// An invitation whose chain leads back to the root key that its fragment names.
struct Verified {
    id: InvitationId,
    fragment: Fragment,
    token: String,
    seen: InvitationSeen,
    invitation: Invitation,
}

fn parse_link(url: &str) -> Result<(InvitationId, Fragment), Error> {
    let bad = || LinkKind::Invitation.missing_in(url.trim());
    let (address, fragment) = url.trim().split_once('#').ok_or_else(bad)?;
    let fragment = Fragment::decode(fragment).map_err(|_| bad())?;
    let (_, id) = address.trim_end_matches('/').rsplit_once("/i/").ok_or_else(bad)?;
    Ok((id.parse().map_err(|_| bad())?, fragment))
}

async fn look(gateway: &Gateway, url: &str) -> Result<Verified, Error> {
    let (id, fragment) = parse_link(url)?;
    let token = fragment.token(Purpose::Invitation, id.as_bytes()).to_base64url().to_string();
    let ask =
        Ask::post(format!("/invitations/{id}/look"), &InvitationLook { token: token.clone() })?;
    let seen: InvitationSeen = gateway.json(&ask, None).await.map_err(|error| {
        error.advise(
            Word::NotFound,
            "an invitation works once and for a few days: ask your firm for a new one",
            "邀请仅可使用一次且数日内有效：请向机构索取新的邀请",
        )
    })?;
    let invitation = verify(id, &fragment, &seen)?;
    Ok(Verified { id, fragment, token, seen, invitation })
}

/// Checks root → lead → invitation → the key derived from the fragment.
fn verify(
    id: InvitationId,
    fragment: &Fragment,
    seen: &InvitationSeen,
) -> Result<Invitation, Error> {
    let root = seen.firm.root;
    if root.key_id() != fragment.root() {
        return Err(Error::new(Word::ForeignRoot));
    }
    let directory = Directory::verify(root, &seen.statements).map_err(refused)?;
    let bad = || Error::new(Word::BadInvitation);
    let note = &seen.invitation;
    let invitation: Invitation = note.decode().map_err(|_| bad())?;
    let by_lead = || {
        directory.cards().any(|card| {
            directory.holds(card.member, Role::Lead, None)
                && directory.is_active(card.member)
                && directory.member_signed(card.member, note, invitation.time)
        })
    };
    let vouched = note.signed_by(&root) || (!invitation.role.is_root_given() && by_lead());
    let derived = fragment.signing_key(Purpose::Invitation, id.as_bytes()).public();
    let fits = invitation.root == root.key_id()
        && invitation.invitation == id
        && invitation.public == derived
        && invitation.role.is_person();
    if vouched && fits { Ok(invitation) } else { Err(bad()) }
}

/// A member's own keys before anybody knows of them.
struct Newcomer {
    keyring: Keyring,
    keys: MemberKeys,
    payload: Vec<u8>,
    file_key: FileKey,
    kit: Secret<32>,
}

impl Newcomer {
    fn new() -> Self {
        let keyring = Keyring::random(MemberId::random());
        let (payload, file_key) = keyring::seal(&keyring);
        Self { keys: keyring.keys(), keyring, payload, file_key, kit: Secret::random() }
    }

    fn card(&self, verified: &Verified, name: &str, clock: &Clock) -> Note {
        let member = self.keyring.member;
        let card = Card {
            root: verified.invitation.root,
            member,
            role: verified.invitation.role,
            name_hash: Card::hash_name(member, name),
            epoch: self.keyring.epoch,
            sign: self.keys.sign.public(),
            recipient: Some(Recipient::from(&self.keys.recipient())),
            recipient_pq: Some(Recipient::from(&self.keys.recipient_post_quantum())),
            prev: None,
            time: clock.now(),
        };
        let invited = verified.fragment.signing_key(Purpose::Invitation, verified.id.as_bytes());
        Note::sign(&card, &[&self.keys.sign, &invited])
    }

    fn header(&self, unlock: Unlock, secret: &[u8]) -> KeyringHeader {
        let header = keyring::wrap(&self.file_key, unlock, secret, self.keyring.member);
        KeyringHeader { kind: unlock.as_str().into(), header: Base64(header.as_bytes().to_vec()) }
    }
}

/// Registers the passphrase: the upload for the gateway and the export key for the keyring.
async fn register(
    gateway: &Gateway,
    verified: &Verified,
    member: MemberId,
    passphrase: Zeroizing<String>,
) -> Result<(Vec<u8>, ExportKey), Error> {
    let failed = |e: opaque::Error| Error::new(Word::BadAnswer).because(e);
    let (state, request) = opaque::client_register_start(passphrase.as_bytes()).map_err(failed)?;
    let start = JoinStart { token: verified.token.clone(), member, request: Base64(request) };
    let ask = Ask::post(format!("/invitations/{}/join/start", verified.id), &start)?;
    let started: JoinStarted = gateway.json(&ask, None).await?;
    super::aside(move || {
        opaque::client_register_finish(state, passphrase.as_bytes(), &started.response.0)
    })
    .await?
    .map_err(failed)
}

/// Joins: verifies, makes keys and kit, tells the gateway, writes the profile.
///
/// # Errors
/// [`Word::BadLink`], [`Word::ForeignRoot`], [`Word::BadInvitation`], [`Word::ProfileExists`],
/// [`Word::NotFound`] for an invitation that is used or expired, and those of asking.
pub async fn join(plan: JoinPlan<'_>, clock: &Clock) -> Result<Joined, Error> {
    let gateway = Gateway::at(plan.url, plan.ca.as_deref())?;
    let verified = look(&gateway, plan.url).await?;
    Profile::prepare(plan.profile)?;
    let newcomer = Newcomer::new();
    let member = newcomer.keyring.member;
    let login = plan.login.unwrap_or_else(|| member.to_string());
    let name = plan.name.unwrap_or_else(|| login.clone());
    let card = newcomer.card(&verified, &name, clock);
    let device =
        DeviceKeyring::wrap(&newcomer.file_key, newcomer.payload.clone(), member, card.clone());
    let mut headers = vec![
        KeyringHeader {
            kind: Unlock::Device.as_str().into(),
            header: device.stored.header.clone(),
        },
        newcomer.header(Unlock::Kit, newcomer.kit.expose()),
    ];
    let mut registration = None;
    if let Some(passphrase) = plan.passphrase {
        let (upload, export_key) = register(&gateway, &verified, member, passphrase).await?;
        registration = Some(Base64(upload));
        headers.push(newcomer.header(Unlock::Opaque, export_key.expose()));
    }
    let around = KitPage {
        firm: &verified.seen.firm.name,
        gateway: plan.kit_gateway.as_deref().unwrap_or(gateway.origin()),
        login: &login,
        member,
        root: verified.seen.firm.root.key_id(),
        words: spoken(&newcomer.keys.recipient().fingerprint()),
    };
    super::write_secret_file(&plan.kit, &kit::page(&newcomer.kit, around))?;
    let body = Join {
        token: verified.token.clone(),
        login: login.clone(),
        name: name.clone(),
        card,
        registration,
        kit_token_hash: Hash::of(kit_token(&newcomer.kit, member).expose()),
        keyring: KeyringSealed { payload: Base64(newcomer.payload.clone()), headers },
        device: plan.device,
    };
    let ask = Ask::post(format!("/invitations/{}/join", verified.id), &body)?;
    let opened: SessionOpened = match gateway.json(&ask, None).await {
        Ok(opened) => opened,
        Err(error) => {
            if !error.is_passing() {
                // Refused for certain: the kit opens nothing. After a lost answer it may.
                let _ = std::fs::remove_file(&plan.kit);
            }
            return Err(error);
        }
    };
    let info = ProfileInfo {
        version: ProfileInfo::VERSION,
        gateway: gateway.origin().to_owned(),
        firm: verified.seen.firm.name.clone(),
        root: verified.seen.firm.root,
        member,
        role: verified.invitation.role,
        login: login.clone(),
        name,
        session: opened.session,
        epoch: newcomer.keyring.epoch,
    };
    let tokens = Some(StoredTokens::new(opened.tokens, clock.now()));
    let ca = plan.ca.as_deref();
    Profile::create(plan.profile, NewProfile { info, ca, keyring: &device, tokens })?;
    let recipient = newcomer.keys.recipient();
    Ok(Joined {
        member,
        role: verified.invitation.role,
        login,
        words: spoken(&recipient.fingerprint()),
        fingerprint: recipient.fingerprint(),
        recipient: recipient.to_string(),
        kit: plan.kit,
    })
}

/// Runs the command.
///
/// # Errors
/// As [`join`]; [`Word::BadLogin`], [`Word::BadName`].
pub async fn run(context: &Context, args: JoinArgs) -> Result<(), Error> {
    let terminal = &context.terminal;
    let dir = context.profile_dir()?;
    Profile::prepare(&dir)?;
    let url = match args.url.as_str() {
        "-" => super::line_from_stdin()?,
        url => Zeroizing::new(url.to_owned()),
    };
    parse_link(&url)?;
    let mut login = args.login;
    if login.is_none() && terminal.asks() {
        let answer = terminal
            .ask(terminal.pick("login name (empty: one is made up)", "登录名（留空则自动生成）"))?;
        login = Some(answer).filter(|answer| !answer.is_empty());
    }
    if let Some(given) = &login {
        login = Some(
            limits::login(given)
                .ok_or_else(|| Error::new(Word::BadLogin).about(printable(given)))?,
        );
    }
    let mut name = args.name;
    if name.is_none() && terminal.asks() {
        let answer = terminal.ask(terminal.pick("your name", "您的姓名"))?;
        name = Some(answer).filter(|answer| !answer.is_empty());
    }
    if name.as_ref().is_some_and(|name| !limits::is_name(name)) {
        return Err(Error::new(Word::BadName).about("--name"));
    }
    let passphrase = super::new_passphrase(args.passphrase_file.as_ref(), terminal)?;
    let plan = JoinPlan {
        url: &url,
        passphrase,
        login,
        name,
        device: super::device_name(args.device.as_deref()),
        kit: args.kit.unwrap_or_else(|| dir.join("recovery-kit.txt")),
        kit_gateway: args.kit_gateway,
        profile: &dir,
        ca: context.ca()?,
    };
    let joined = join(plan, &context.clock).await?;
    terminal.result(&joined, || {
        let Joined { login, role, recipient, kit, words, .. } = &joined;
        let (kit, role) = (kit.display(), terminal.lang.role(*role));
        let words = terminal.lang.spoken(words);
        match terminal.lang {
            crate::cli::lang::Lang::En => format!(
                "You are in, as {role}. Your login name: {login}\nYour recipient: {recipient}\n\
                 Your words, to read aloud to whoever invited you: {words}\n\
                 Print {kit}, keep the paper safe, and delete the file."
            ),
            crate::cli::lang::Lang::Zh => format!(
                "已加入，角色：{role}。您的登录名：{login}\n您的收件密钥：{recipient}\n\
                 您的核对词（请念给邀请人听）：{words}\n\
                 请打印 {kit} 并妥善保管，然后删除该文件。"
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Firm;
    use crate::clock::Timestamp;
    use crate::envelope::statement::{PublicKey, SigningKey};

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&Secret::new([n; 32]))
    }

    fn seen(root: PublicKey, fragment: &Fragment, by: &SigningKey, role: Role) -> InvitationSeen {
        let id = InvitationId::from_bytes([7; 16]);
        let invitation = Invitation {
            root: root.key_id(),
            invitation: id,
            role,
            client: None,
            public: fragment.signing_key(Purpose::Invitation, id.as_bytes()).public(),
            expires: Timestamp::EPOCH,
            time: Timestamp::EPOCH,
        };
        InvitationSeen {
            invitation: Note::sign(&invitation, &[by]),
            firm: Firm { name: "f".into(), root, url: "https://a.example".into() },
            statements: Vec::new(),
            client_name: None,
        }
    }

    #[test]
    fn only_an_invitation_that_leads_back_to_the_fragments_root_is_taken() {
        let id = InvitationId::from_bytes([7; 16]);
        let root = key(1);
        let fragment = Fragment::new(root.key_id());
        let code = |seen: &InvitationSeen| {
            verify(id, &fragment, seen).map(drop).map_err(|e| e.code().to_owned())
        };
        let good = seen(root.public(), &fragment, &root, Role::Lead);
        assert_eq!(code(&good), Ok(()));
        let swapped_root = seen(key(2).public(), &fragment, &key(2), Role::Lead);
        assert_eq!(code(&swapped_root), Err("foreign_root".into()));
        let stranger = seen(root.public(), &fragment, &key(3), Role::Accountant);
        assert_eq!(code(&stranger), Err("bad_invitation".into()));
        let other_secret = seen(root.public(), &Fragment::new(root.key_id()), &root, Role::Lead);
        assert_eq!(code(&other_secret), Err("bad_invitation".into()));
        let not_a_person = seen(root.public(), &fragment, &root, Role::Recovery);
        assert_eq!(code(&not_a_person), Err("bad_invitation".into()));
    }

    #[test]
    fn a_link_without_its_secret_is_refused_before_anything_is_asked() {
        let fragment = Fragment::new(key(1).key_id());
        let id = InvitationId::from_bytes([7; 16]);
        let url = format!("https://a.example/i/{id}#{}", *fragment.encode());
        assert!(parse_link(&url).is_ok_and(|(parsed, _)| parsed == id));
        for bad in
            [format!("https://a.example/i/{id}"), url[..url.len() - 1].to_owned(), String::new()]
        {
            assert_eq!(parse_link(&bad).map(drop).expect_err("refused").code(), "bad_link");
        }
    }
}
