//! `share`: documents re-wrapped to a fresh identity that only link and code give.

use serde::Serialize;
use zeroize::Zeroizing;

use super::state;
use crate::api::{
    Base64, Offer, Offered, ProposeShare, ShareInfo, ShareState, SharedDocument, limits,
};
use crate::cli::Context;
use crate::cli::directory::are_confirmed;
use crate::cli::error::Error;
use crate::cli::firm::ends_within;
use crate::cli::gateway::Session;
use crate::cli::lang::Lang;
use crate::cli::reading::{Reading, Said, demand, envelope_error};
use crate::cli::words::Word;
use crate::clock::Timestamp;
use crate::envelope::statement::{Hash, Line, Link, Note, Share};
use crate::envelope::{Header, Strength, seal_small};
use crate::ids::{ClientId, DocumentId, LinkId, PartnerId, ShareId};
use crate::trust::fragment::{Fragment, token_hash};
use crate::trust::share::{Code, ListedDocument, ShareSecrets, SharedList};

/// What a partner may give back through one share.
const GIVE_BACK_FILES: u64 = 100;
const GIVE_BACK_BYTES: u64 = 16 << 30;

/// Share documents with a partner, once the client allows it · 向合作机构分享文档
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom share 9b1c… 77d0… --partner 3f07… --purpose '2025 年度审计' --expires 7d

Send link and code by different ways · 链接与提取码请分别用不同渠道发送")]
pub struct ShareArgs {
    /// The documents · 文档编号
    #[arg(value_name = "DOCUMENT", required = true)]
    pub documents: Vec<DocumentId>,
    /// For which partner · 给哪个合作机构
    #[arg(long, value_name = "ID")]
    pub partner: PartnerId,
    /// What for · 用途
    #[arg(long, value_name = "TEXT")]
    pub purpose: String,
    /// Who receives it there · 对方接收人
    #[arg(long, value_name = "NAME", default_value = "")]
    pub recipient: String,
    /// How long it is open: an hour to ninety days · 有效期，1 小时至 90 天
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub expires: String,
    /// How many times the whole set may be fetched: 1 to 1000 · 可取次数
    #[arg(long, value_name = "N", default_value_t = 3,
        value_parser = clap::value_parser!(u64).range(1..=limits::MAX_SHARE_DOWNLOADS))]
    pub max_downloads: u64,
    /// Without an access code: whoever has the link opens it · 不设提取码
    #[arg(long)]
    pub no_code: bool,
}

#[derive(Serialize)]
struct Shared {
    share: ShareId,
    url: String,
    code: Option<String>,
    state: ShareState,
    expires_at: Timestamp,
    needs_second: bool,
}

/// What was found out about the documents before anything is signed.
struct Wrapped {
    client: ClientId,
    documents: Vec<SharedDocument>,
    list: SharedList,
    post_quantum: bool,
}

/// Runs `share`.
///
/// # Errors
/// [`Word::BadText`], [`Word::BadName`], [`Word::BadDuration`], [`Word::TooLong`], [`Word::OutOfRange`],
/// [`Word::OneClientOnly`], what does not verify, and
/// those of asking.
pub async fn run_share(context: &Context, args: ShareArgs) -> Result<(), Error> {
    let purpose: Line =
        args.purpose.parse().map_err(|_| Error::new(Word::BadText).about("--purpose"))?;
    if args.recipient.len() > limits::MAX_NAME_BYTES || args.recipient.contains(char::is_control) {
        return Err(Error::new(Word::BadName).about("--recipient"));
    }
    let expires = open_until(context.clock.now(), &args.expires)?;
    let session = context.session()?;
    let reading = Reading::new(&session)?;
    let root = session.profile().info().root.key_id();
    let (id, fragment) = (ShareId::random(), Fragment::new(root));
    let code = (!args.no_code).then(Code::draw);
    let secrets = derive(&fragment, id, code.as_ref()).await?;
    let wrapped = wrap(&reading, &args.documents, &secrets).await?;
    let now = session.clock().now();
    let json = serde_json::to_vec(&wrapped.list)
        .map_err(|e| Error::new(Word::Internal).about("list").because(e))?;
    let recipient = if wrapped.post_quantum {
        secrets.keys.recipient_post_quantum()
    } else {
        secrets.keys.recipient()
    };
    let sealed = seal_small(&Zeroizing::new(json), &[recipient])
        .map_err(|e| Error::new(Word::Internal).about("list").because(e))?;
    let share = Share {
        root,
        share: id,
        partner: args.partner,
        purpose,
        expires,
        max_downloads: args.max_downloads,
        documents: args.documents.clone(),
        sealed: Hash::of(&sealed),
        time: now,
    };
    let proposed = ProposeShare {
        statement: Note::sign(&share, &[&reading.keys().sign]),
        sealed: Base64(sealed),
        documents: wrapped.documents,
        recipient: args.recipient,
        find_hash: token_hash(&secrets.find),
        open_hash: token_hash(&secrets.open),
        has_code: code.is_some(),
    };
    let info: ShareInfo =
        session.post("/shares", &proposed).await.map_err(crate::cli::partners::unknown_partner)?;
    open_way_back(&session, &reading, wrapped.client, &share, &secrets).await?;
    let url = format!("{}/s/{id}#{}", session.gateway().origin(), *fragment.encode());
    let shared = Shared {
        share: id,
        url,
        code: code.as_ref().map(|code| code.expose().to_owned()),
        state: info.state,
        expires_at: info.expires_at,
        needs_second: info.needs_second,
    };
    let terminal = &context.terminal;
    terminal.result(&shared, || {
        let (url, until) = (&shared.url, shared.expires_at);
        let code = shared.code.as_deref().map(grouped);
        let state = state(terminal, &info);
        match (code, terminal.lang) {
            (Some(code), Lang::En) => format!(
                "{url}\naccess code {code}\n{state}; good until {until}. Send link and code by \
                 different ways: neither is kept anywhere."
            ),
            (Some(code), Lang::Zh) => format!(
                "{url}\n提取码 {code}\n{state}；有效至 {until}。链接和提取码请分别用不同渠道发送，两者均不留存。"
            ),
            (None, Lang::En) => format!(
                "{url}\n{state}; good until {until}. No access code: whoever has the link opens \
                 it. It is not kept anywhere."
            ),
            (None, Lang::Zh) => format!(
                "{url}\n{state}；有效至 {until}。无提取码：持有链接者即可打开。链接不留存。"
            ),
        }
    })
}

/// When a share that is opened now ends.
fn open_until(now: Timestamp, text: &str) -> Result<Timestamp, Error> {
    let expires = ends_within(now, text, limits::MAX_SHARE_DAYS)?;
    if expires < now.plus_secs(limits::MIN_SHARE_HOURS * 3600) {
        let range = format!("{}h … {}d", limits::MIN_SHARE_HOURS, limits::MAX_SHARE_DAYS);
        return Err(Error::new(Word::OutOfRange).about(format!("--expires {text}")).about(range));
    }
    Ok(expires)
}

/// An access code as it is written down: `7KQ2-M9XA`.
fn grouped(code: &str) -> String {
    match code.split_at_checked(4) {
        Some((first, rest)) if !rest.is_empty() => format!("{first}-{rest}"),
        _ => code.to_owned(),
    }
}

/// Stretches the code beside the runtime.
pub(in crate::cli) async fn derive(
    fragment: &Fragment,
    id: ShareId,
    code: Option<&Code>,
) -> Result<ShareSecrets, Error> {
    let (fragment, code) = (fragment.clone(), code.cloned());
    tokio::task::spawn_blocking(move || ShareSecrets::derive(&fragment, id, code.as_ref()))
        .await
        .map_err(|e| Error::new(Word::Internal).about("code").because(e))
}

/// Opens the link by which the partner gives back: the share's id, proven by `open`, signing
/// with the share's key.
async fn open_way_back(
    session: &Session,
    reading: &Reading<'_>,
    client: ClientId,
    share: &Share,
    secrets: &ShareSecrets,
) -> Result<(), Error> {
    let link = Link {
        root: share.root,
        link: LinkId::from_bytes(*share.share.as_bytes()),
        client,
        public: secrets.keys.sign.public(),
        expires: share.expires,
        max_files: GIVE_BACK_FILES,
        max_bytes: GIVE_BACK_BYTES,
        time: share.time,
    };
    let statement = Note::sign(&link, &[&reading.keys().sign]);
    let offer = Offer { statement, token_hash: token_hash(&secrets.open) };
    let _: Offered = session.post("/request-links", &offer).await?;
    Ok(())
}

/// Verifies every document, opens its sealed part and wraps its file key for the share.
async fn wrap(
    reading: &Reading<'_>,
    ids: &[DocumentId],
    secrets: &ShareSecrets,
) -> Result<Wrapped, Error> {
    let (mut client, mut post_quantum) = (None, false);
    let (mut documents, mut listed) = (Vec::new(), Vec::new());
    for id in ids {
        let info = reading.document(*id).await?;
        if *client.get_or_insert(info.client) != info.client {
            return Err(Error::new(Word::OneClientOnly));
        }
        let Said::Signed(signed) = reading.verify(&info).await? else {
            return Err(Error::new(Word::NotOpened).about(id));
        };
        // What the partner gives back is sealed to these people.
        let directory = reading.directory(info.client).await?;
        are_confirmed(directory.as_ref(), demand(&info, signed.category))?;
        let part = reading.sealed_part(&info, &signed)?;
        let (key, header) = reading.file_key(&info)?;
        let strength = header.strength().map_err(|e| envelope_error(e, *id))?;
        let recipient = if strength == Strength::PostQuantum {
            post_quantum = true;
            secrets.keys.recipient_post_quantum()
        } else {
            secrets.keys.recipient()
        };
        let header = Header::seal(&key, &[recipient]).map_err(|e| envelope_error(e, *id))?;
        let header = Base64(header.as_bytes().to_vec());
        documents.push(SharedDocument { document: *id, header });
        listed.push(ListedDocument {
            document: *id,
            nonce: signed.pins.nonce,
            commit: signed.pins.commit,
            pieces: signed.pins.pieces,
            name: part.name.clone(),
            size: part.size,
            sha256: part.sha256,
        });
    }
    let client = client.ok_or_else(|| Error::new(Word::NotFound))?;
    Ok(Wrapped { client, documents, list: SharedList { documents: listed }, post_quantum })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_in_two_groups() {
        assert_eq!(grouped("7KQ2M9XA"), "7KQ2-M9XA");
        assert!(grouped("7KQ2M9XA").parse::<Code>().is_ok());
    }

    #[test]
    fn a_share_is_open_for_an_hour_to_ninety_days() {
        let code = |text| {
            open_until(Timestamp::EPOCH, text)
                .map(drop)
                .map_err(|e| (e.code().to_owned(), e.exit()))
        };
        assert_eq!(code("1h"), Ok(()));
        assert_eq!(code("90d"), Ok(()));
        assert_eq!(code("59m"), Err(("out_of_range".into(), crate::cli::Exit::Usage)));
        assert_eq!(code("91d"), Err(("too_long".into(), crate::cli::Exit::Usage)));
    }
}
