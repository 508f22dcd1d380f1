//! `request --on-arrival`: an address for senders with nothing but `curl`. The gateway seals
//! what it receives there, where a lead's signed policy allows it. Never called end-to-end.

use serde::Serialize;

use crate::api::{Offer, Offered};
use crate::cli::Context;
use crate::cli::error::Error;
use crate::cli::lang::Lang;
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::statement::{Link, Note};
use crate::ids::{ClientId, LinkId};
use crate::trust::fragment::{Fragment, Purpose, token_hash};

use super::ends_at;

/// Open an address that takes files from plain curl · 开设供 curl 上传的地址
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom request --client 3f07… --on-arrival --expires 14d
  curl -T 'receipts.pdf' https://files.example.com/in/TOKEN/

What arrives there is sealed by the gateway while it receives it, not by the sender.")]
pub struct RequestArgs {
    /// For which client
    #[arg(long, value_name = "ID")]
    pub client: ClientId,
    /// How long the address is good for
    #[arg(long, value_name = "TIME", default_value = "14d")]
    pub expires: String,
    /// How many files it takes
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub max_files: u64,
    /// How many bytes it takes in all
    #[arg(long, value_name = "N", default_value_t = 16 * 1024 * 1024 * 1024)]
    pub max_bytes: u64,
    /// Sealed by the gateway while it arrives
    #[arg(long)]
    pub on_arrival: bool,
}

#[derive(Serialize)]
struct Requested {
    link: LinkId,
    url: String,
    expires_at: Timestamp,
}

/// Runs `request`.
///
/// # Errors
/// [`Word::OnArrivalNeeded`], [`Word::BadDuration`], [`Word::NotAllowed`], and those of asking.
pub async fn run(context: &Context, args: RequestArgs) -> Result<(), Error> {
    if !args.on_arrival {
        return Err(Error::new(Word::OnArrivalNeeded));
    }
    let session = context.session()?;
    let keys = session.profile().keys()?;
    let root = session.profile().info().root.key_id();
    let id = LinkId::random();
    let fragment = Fragment::new(root);
    let now = session.clock().now();
    let link = Link {
        root,
        link: id,
        client: args.client,
        public: fragment.signing_key(Purpose::Link, id.as_bytes()).public(),
        expires: ends_at(now, &args.expires)?,
        max_files: args.max_files,
        max_bytes: args.max_bytes,
        time: now,
    };
    let token = fragment.token(Purpose::Link, id.as_bytes());
    let offer =
        Offer { statement: Note::sign(&link, &[&keys.sign]), token_hash: token_hash(&token) };
    let Offered { expires_at } = session.post("/links", &offer).await?;
    let url = format!("{}/in/{}", session.gateway().origin(), *token.to_base64url());
    let requested = Requested { link: id, url, expires_at };
    let terminal = &context.terminal;
    terminal.result(&requested, || {
        let Requested { url, expires_at, .. } = &requested;
        match terminal.lang {
            Lang::En => format!(
                "{url}\nGood until {expires_at}:  curl -T FILE {url}/\nWhoever has the address \
                 can send. The gateway seals what arrives; senders who can run strongroom should."
            ),
            Lang::Zh => format!(
                "{url}\n有效至 {expires_at}：curl -T 文件 {url}/\n持有该地址者均可上传。内容由网关在到达时封存；\
                 能运行 strongroom 的发送人应使用 strongroom。"
            ),
        }
    })
}
