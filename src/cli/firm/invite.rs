//! `invite`: a link that lets one person join with one role. The link's secret is in its
//! fragment, is printed once, and never reaches the gateway.

use serde::Serialize;

use crate::api::{Offer, Offered, limits};
use crate::cli::Context;
use crate::cli::error::Error;
use crate::cli::lang::Lang;
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::statement::{Invitation, Note, Role};
use crate::ids::{ClientId, InvitationId};
use crate::trust::fragment::{Fragment, Purpose, token_hash};

use super::root::root_key;
use super::{ends_within, unknown_client};

/// Invite somebody to join · 邀请他人加入
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom invite --role accountant
  strongroom invite --role principal --client 3f07… --expires 3d

Send the link over a channel that you trust: whoever has it can join once.")]
pub struct InviteArgs {
    /// principal, clerk, accountant, lead, privacy_officer, auditor or admin · 角色
    #[arg(long, value_name = "ROLE", value_parser = person)]
    pub role: Role,
    /// The client, for principals and clerks · 客户（负责人和经办人需要）
    #[arg(long, value_name = "ID")]
    pub client: Option<ClientId>,
    /// How long the link is good for: 31d at most · 有效期，最长 31 天
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub expires: String,
}

fn person(word: &str) -> Result<Role, String> {
    word.parse::<Role>().ok().filter(|role| role.is_person()).ok_or_else(|| {
        "one of principal, clerk, accountant, lead, privacy_officer, auditor, admin".to_owned()
    })
}

/// An open invitation.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Invited {
    /// Its id.
    pub invitation: InvitationId,
    /// The link, with its secret.
    pub url: String,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The role it gives.
    pub role: Role,
}

/// Runs `invite`.
///
/// # Errors
/// [`Word::ClientForRole`], [`Word::BadDuration`], [`Word::TooLong`], [`Word::NotAllowed`], and those of asking.
pub async fn run(context: &Context, args: InviteArgs) -> Result<(), Error> {
    if args.role.is_client_side() != args.client.is_some() {
        return Err(Error::new(Word::ClientForRole));
    }
    let session = context.session()?;
    let profile = session.profile();
    let keys = profile.keys()?;
    let root = profile.info().root.key_id();
    let id = InvitationId::random();
    let fragment = Fragment::new(root);
    let now = session.clock().now();
    let invitation = Invitation {
        root,
        invitation: id,
        role: args.role,
        client: args.client,
        public: fragment.signing_key(Purpose::Invitation, id.as_bytes()).public(),
        expires: ends_within(now, &args.expires, limits::MAX_INVITATION_DAYS)?,
        time: now,
    };
    let mut statement = Note::sign(&invitation, &[&keys.sign]);
    if args.role.is_root_given() {
        // Only the root makes leads.
        statement.add_signature(&root_key(profile, &keys)?);
    }
    let offer = Offer {
        statement,
        token_hash: token_hash(&fragment.token(Purpose::Invitation, id.as_bytes())),
    };
    let Offered { expires_at } =
        session.post("/invitations", &offer).await.map_err(unknown_client)?;
    let url = format!("{}/i/{id}#{}", session.gateway().origin(), *fragment.encode());
    let invited = Invited { invitation: id, url, expires_at, role: args.role };
    let terminal = &context.terminal;
    terminal.result(&invited, || {
        let Invited { url, expires_at, .. } = &invited;
        match terminal.lang {
            Lang::En => format!(
                "{url}\nGood for one person until {expires_at}. Shown once: send it over a \
                 channel that you trust."
            ),
            Lang::Zh => {
                format!(
                    "{url}\n仅供一人使用，有效至 {expires_at}。仅显示一次：请通过可信渠道发送。"
                )
            }
        }
    })
}
