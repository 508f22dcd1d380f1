//! `request`: links through which somebody without an account sends. The holder of a request
//! link seals on their own device; with `--on-arrival` it is an address for plain `curl`, where
//! the gateway seals what it receives and a lead's signed policy allows it. That is never called
//! end-to-end.

use serde::Serialize;

use crate::api::{LinkInfo, LinkState, Offer, Offered, ShareInfo, limits};
use crate::cli::Context;
use crate::cli::directory;
use crate::cli::error::Error;
use crate::cli::gateway::Session;
use crate::cli::lang::Lang;
use crate::cli::revocation;
use crate::cli::send::client_or_only;
use crate::cli::terminal::Terminal;
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::statement::{Link, Note, RevocationKind};
use crate::ids::{ClientId, LinkId};
use crate::trust::fragment::{Fragment, Purpose, token_hash};

use super::{ends_within, unknown_client};

/// How many files a request link takes where nobody says …
const REQUEST_FILES: u64 = 20;
/// … and an address for curl.
const ARRIVAL_FILES: u64 = 100;

/// Ask somebody without an account for files · 请没有账号的人发送文件
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
Example · 示例:
  strongroom request --client 3f07… --expires 14d --max-files 10
  strongroom request list --client 3f07…
  strongroom request revoke 91ab…
  strongroom request --client 3f07… --on-arrival
  curl -T 'receipts.pdf' https://files.example.com/in/TOKEN/

The holder of a link seals on their own device and can only send. What arrives at an address
for curl is sealed by the gateway while it receives it, not by the sender."
)]
pub struct RequestArgs {
    /// List or end links
    #[command(subcommand)]
    pub action: Option<RequestAction>,
    /// For which client · 哪个客户
    #[arg(long, value_name = "ID", required = true)]
    pub client: Option<ClientId>,
    /// How long the link is good for: 366d at most · 有效期，最长 366 天
    #[arg(long, value_name = "TIME", default_value = "14d")]
    pub expires: String,
    /// How many files it takes (default: 20; 100 with --on-arrival) · 可收文件数
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub max_files: Option<u64>,
    /// How many bytes it takes in all · 总字节数上限
    #[arg(long, value_name = "N", default_value_t = 16 * 1024 * 1024 * 1024,
        value_parser = clap::value_parser!(u64).range(1..))]
    pub max_bytes: u64,
    /// An address for plain curl: sealed by the gateway while it arrives · 供 curl 上传，由网关封存
    #[arg(long)]
    pub on_arrival: bool,
}

/// What else can be done with links.
#[derive(Debug, clap::Subcommand)]
pub enum RequestAction {
    /// List the links into a client's space · 列出链接
    #[command(after_help = "Example · 示例:\n  strongroom request list --client 3f07…")]
    List {
        /// Of which client (default: the only one you see) · 哪个客户
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
    },
    /// End a link at once · 立即终止链接
    #[command(after_help = "Example · 示例:\n  strongroom request revoke 91ab…")]
    Revoke {
        /// The link · 链接编号
        #[arg(value_name = "ID")]
        link: LinkId,
    },
}

#[derive(Serialize)]
struct Requested {
    link: LinkId,
    url: String,
    expires_at: Timestamp,
    on_arrival: bool,
}

#[derive(Serialize)]
struct Revoked {
    link: LinkId,
    state: LinkState,
}

/// Runs `request`.
///
/// # Errors
/// [`Word::BadDuration`], [`Word::TooLong`], [`Word::ArrivalOff`], [`Word::NotAllowed`], and those of asking.
pub async fn run(context: &Context, args: RequestArgs) -> Result<(), Error> {
    let session = context.session()?;
    match args.action {
        None => open(context, &session, args).await,
        Some(RequestAction::List { client }) => {
            let client = client_or_only(&session, client).await?;
            let path = format!("/request-links?client={client}");
            let links: Vec<LinkInfo> = session.get(path).await.map_err(unknown_client)?;
            // A share's way back is a link with the share's id; it goes with the share.
            let shares: Vec<ShareInfo> = session.get("/shares").await?;
            let of_share = |link: &LinkInfo| {
                shares.iter().any(|share| share.share.as_bytes() == link.link.as_bytes())
            };
            let terminal = &context.terminal;
            terminal.result(&links, || {
                if links.is_empty() {
                    return terminal.pick("no links", "没有链接").to_owned();
                }
                links.iter().map(|link| line(terminal, link, of_share(link))).collect()
            })
        }
        Some(RequestAction::Revoke { link }) => revoke(context, &session, link).await,
    }
}

fn line(terminal: &Terminal, link: &LinkInfo, of_share: bool) -> String {
    let state = match link.state {
        LinkState::Open => terminal.pick("open", "有效"),
        LinkState::UsedUp => terminal.pick("used up", "已用尽"),
        LinkState::Expired => terminal.pick("expired", "已过期"),
        LinkState::Revoked => terminal.pick("ended", "已终止"),
        LinkState::Unattended => terminal.pick("stopped", "已停用"),
    };
    let kind = if of_share {
        terminal.pick("way back of a share", "分享回传")
    } else if link.on_arrival {
        terminal.pick("curl address", "curl 地址")
    } else {
        terminal.pick("request link", "上传链接")
    };
    format!(
        "{}  {kind}  {state}  {}/{}  {}\n",
        link.link, link.files, link.max_files, link.expires_at
    )
}

async fn open(context: &Context, session: &Session, args: RequestArgs) -> Result<(), Error> {
    let client = args.client.ok_or_else(|| Error::new(Word::ClientNeeded))?;
    let keys = session.profile().keys()?;
    if args.on_arrival {
        let directory = directory::fetch(session, Some(client)).await.map_err(unknown_client)?;
        if !directory.may_seal_on_arrival(client) {
            return Err(Error::new(Word::ArrivalOff).about(client));
        }
    }
    let root = session.profile().info().root.key_id();
    let id = LinkId::random();
    let fragment = Fragment::new(root);
    let now = session.clock().now();
    let usual = if args.on_arrival { ARRIVAL_FILES } else { REQUEST_FILES };
    let link = Link {
        root,
        link: id,
        client,
        public: fragment.signing_key(Purpose::Link, id.as_bytes()).public(),
        expires: ends_within(now, &args.expires, limits::MAX_LINK_DAYS)?,
        max_files: args.max_files.unwrap_or(usual),
        max_bytes: args.max_bytes,
        time: now,
    };
    let token = fragment.token(Purpose::Link, id.as_bytes());
    let offer =
        Offer { statement: Note::sign(&link, &[&keys.sign]), token_hash: token_hash(&token) };
    let path = if args.on_arrival { "/links" } else { "/request-links" };
    let Offered { expires_at } = session.post(path, &offer).await.map_err(unknown_client)?;
    let origin = session.gateway().origin();
    let url = if args.on_arrival {
        format!("{origin}/in/{}", *token.to_base64url())
    } else {
        format!("{origin}/u/{id}#{}", *fragment.encode())
    };
    let requested = Requested { link: id, url, expires_at, on_arrival: args.on_arrival };
    let terminal = &context.terminal;
    terminal.result(&requested, || told(terminal, &requested))
}

fn told(terminal: &Terminal, requested: &Requested) -> String {
    let Requested { url, expires_at, .. } = requested;
    match (requested.on_arrival, terminal.lang) {
        (false, Lang::En) => format!(
            "{url}\nGood until {expires_at}:  strongroom send FILE --link 'LINK' --from NAME\n\
             Shown once. Whoever has the link can send and nothing else; what they send is sealed \
             on their device."
        ),
        (false, Lang::Zh) => format!(
            "{url}\n有效至 {expires_at}：strongroom send 文件 --link '链接' --from 姓名\n\
             仅显示一次。持有链接者只能发送；内容在发送人的设备上封存。"
        ),
        (true, Lang::En) => format!(
            "{url}/\nGood until {expires_at}:  curl -T FILE {url}/\nWhoever has the address \
             can send. The gateway seals what arrives; senders who can run strongroom should."
        ),
        (true, Lang::Zh) => format!(
            "{url}/\n有效至 {expires_at}：curl -T 文件 {url}/\n持有该地址者均可上传。内容由网关在到达时封存；\
             能运行 strongroom 的发送人应使用 strongroom。"
        ),
    }
}

async fn revoke(context: &Context, session: &Session, link: LinkId) -> Result<(), Error> {
    revocation::revoke(session, "/revocations", RevocationKind::Link, &link.to_string()).await?;
    let done = Revoked { link, state: LinkState::Revoked };
    let terminal = &context.terminal;
    terminal.result(&done, || format!("{}  {link}", terminal.pick("ended", "已终止")))
}
