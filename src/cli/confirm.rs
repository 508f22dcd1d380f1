//! `recipients confirm`: a person compared the words of a key with whoever it belongs to. Noted in
//! the firm's log, then in this profile; a lead also signs the card, for everybody.

use serde::Serialize;

use crate::api::{ConfirmKey, Confirmed, Me};
use crate::envelope::statement::{Hash, Role};
use crate::ids::{ClientId, MemberId};
use crate::trust::{Directory, Spoken, Vouched, says, spoken};

use super::Context;
use super::directory::{self, pin_of};
use super::error::Error;
use super::gateway::Session;
use super::profile::Known;
use super::words::Word;

/// What a key's owner was last compared by, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assurance {
    /// The person of this profile compared the words.
    InPerson,
    /// It replaced another key, and a lead vouches for it.
    Vouched,
    /// It was made by whoever held the link of an invitation.
    Link,
    /// The root key signed it.
    Root,
    /// It is not the one known here, and nobody vouches for it: nothing is sealed to it.
    Changed,
    /// It was revoked: nothing is sealed to it.
    Revoked,
    /// It is this member's own.
    Own,
}

impl Assurance {
    /// The assurance of a member's newest card. None where they have none.
    pub fn of(directory: &Directory, known: &Known, member: MemberId) -> Option<Self> {
        let vouched = directory.vouched(member)?;
        let pin = known.pins.get(&member);
        let card = directory.card(member)?.clone();
        Some(if !directory.is_in_force(member) {
            Self::Revoked
        } else if directory.held_back(member).is_some() {
            Self::Changed
        } else if pin
            .is_some_and(|pin| pin.confirmed && Some(pin.card) == pin_of(&card).map(|p| p.card))
        {
            Self::InPerson
        } else {
            match vouched {
                Vouched::Root => Self::Root,
                Vouched::Lead => Self::Vouched,
                // Known here since before: this device met the new key first.
                Vouched::Invitation | Vouched::OldKey => Self::Link,
            }
        })
    }

    /// As people say it.
    pub fn said(self, lang: super::lang::Lang) -> &'static str {
        match self {
            Self::InPerson => lang.pick("compared by you", "您已核对"),
            Self::Vouched => lang.pick("vouched for by a lead", "主管会计担保"),
            Self::Link => lang.pick("by invitation link", "凭邀请链接"),
            Self::Root => lang.pick("signed by the root key", "根密钥签署"),
            Self::Changed => lang.pick("CHANGED, not confirmed", "已更换，未确认"),
            Self::Revoked => lang.pick("revoked", "已吊销"),
            Self::Own => lang.pick("yours", "您本人"),
        }
    }
}

/// Confirm a member's key after comparing words · 核对后确认密钥
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom recipients confirm 91ab… --fingerprint 'legal winner thank year wave sausage worth useful'
  strongroom recipients confirm 91ab… --client 3f07… --fingerprint '枪疫霉尝俩闹饿贤'

Call them on a number that you know, and type the words that they read to you from strongroom whoami.
请拨打您已知的电话，输入对方念出的 strongroom whoami 核对词。")]
pub struct ConfirmArgs {
    /// Whose key · 谁的密钥
    #[arg(value_name = "MEMBER")]
    pub member: MemberId,
    /// The words that they read aloud, in either language, or the fingerprint in hex · 对方念出的核对词或指纹
    #[arg(long, value_name = "WORDS")]
    pub fingerprint: String,
    /// A client whose papers you seal to them (default: the only one you see) · 哪个客户
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
}

#[derive(Serialize)]
struct Done {
    member: MemberId,
    fingerprint: Hash,
    words: Spoken,
    /// The key known here before, where it was another.
    was: Option<Hash>,
    assurance: Assurance,
    countersigned: bool,
}

/// The directory to look the member up in, and whose it is: the client's that was named or is the
/// only one; everybody's for those who may see it.
async fn look_up(
    session: &Session,
    client: Option<ClientId>,
) -> Result<(Directory, Option<ClientId>), Error> {
    let role = session.profile().info().role;
    let sees_all = matches!(role, Role::Lead | Role::PrivacyOfficer | Role::Auditor | Role::Admin);
    let client = match client {
        None if sees_all => return Ok((directory::fetch_people(session).await?, None)),
        Some(client) => client,
        None => {
            let me: Me = session.get("/me").await?;
            match me.clients.as_slice() {
                [] => return Err(Error::new(Word::NoClient)),
                [only] => only.client,
                _ => return Err(Error::new(Word::ClientNeeded)),
            }
        }
    };
    Ok((directory::fetch(session, Some(client)).await?, Some(client)))
}

/// Runs `recipients confirm`.
///
/// # Errors
/// [`Word::WordsDiffer`], [`Word::NoSuchMember`], [`Word::ChainMoved`] where they changed it again
/// meanwhile, and those of asking.
pub async fn run(context: &Context, args: ConfirmArgs) -> Result<(), Error> {
    let session = context.session()?;
    let profile = session.profile();
    let (directory, client) = look_up(&session, args.client).await?;
    let member = args.member;
    let nobody = || Error::new(Word::NoSuchMember).about(member);
    let card = directory.card(member).filter(|_| directory.is_active(member)).ok_or_else(nobody)?;
    let pin = pin_of(card).ok_or_else(nobody)?;
    if member == profile.info().member {
        return Err(nobody());
    }
    if !says(&args.fingerprint, &pin.known_by) {
        return Err(Error::new(Word::WordsDiffer).about(member).about_words(pin.known_by));
    }
    let signed = match directory.card_note(member) {
        Some(note)
            if profile.info().role == Role::Lead
                && directory.vouched(member) == Some(Vouched::OldKey) =>
        {
            let mut note = note.clone();
            note.add_signature(&profile.keys()?.sign);
            Some(note)
        }
        _ => None,
    };
    let confirm = ConfirmKey { member, client, card: pin.card, signed };
    let Confirmed { countersigned, .. } = session.post("/key-confirmations", &confirm).await?;
    // The log first: nothing counts here that it does not say.
    profile.desk().pin(member, super::profile::Pin { confirmed: true, ..pin })?;
    let done = Done {
        member,
        fingerprint: pin.known_by,
        words: spoken(&pin.known_by),
        was: directory.held_back(member).map(|change| change.was),
        assurance: Assurance::InPerson,
        countersigned,
    };
    let terminal = &context.terminal;
    terminal.result(&done, || {
        let words = terminal.lang.spoken(&done.words);
        format!("{}  {member}  {words}", terminal.pick("confirmed", "已确认"))
    })
}
