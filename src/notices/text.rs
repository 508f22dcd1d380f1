//! What a notice says, zh-CN and English. Ids and times alone: whoever reads a mailbox learns
//! that something happened, never what is in it.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::ids::ClientId;

use super::Kind;

/// A notice as channels get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// The same at every try: drop what was seen before.
    pub id: String,
    /// The stable word of what happened.
    pub kind: &'static str,
    /// The client concerned.
    pub client: ClientId,
    /// Id of the share, link or document.
    pub object: String,
    /// When it happened.
    pub at: Timestamp,
    /// One line, in both languages.
    pub subject: String,
    /// A few lines, in both languages.
    pub text: String,
}

/// One line each: zh-CN, English.
const fn said(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Shared => (
            "会计提出向合作方分享文档，等待客户授权",
            "Documents are to be shared with a partner and wait for the client's word",
        ),
        Kind::Opened => ("合作方已取阅分享", "A partner fetched a share"),
        Kind::WrongCodes => {
            ("提取码多次输错，分享已锁定", "A share was locked after wrong access codes")
        }
        Kind::Expiring => ("分享或链接即将到期", "A share or link ends soon"),
        Kind::Revoked => ("分享或链接已终止", "A share or link was ended"),
        Kind::Arrived => ("经链接收到新文档", "Documents arrived through a link"),
        Kind::Recovered => (
            "两名管理人员正在用恢复份额恢复该客户的文档",
            "Two officers recover this client's documents with recovery shares",
        ),
    }
}

/// What to do next: zh-CN, English.
const fn next(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Shared => (
            "在客户的负责人同意之前，对方无法打开：请用 strongroom shares 查看，用 strongroom authorise 授权，或加 --refuse 拒绝。",
            "Nobody there opens it before the client's principal agrees: look with strongroom shares, then strongroom authorise, or refuse with --refuse.",
        ),
        Kind::WrongCodes => (
            "请与合作方核实，再用 strongroom unlock 解锁。",
            "Talk to the partner, then unlock it with strongroom unlock.",
        ),
        Kind::Arrived => {
            ("请用 strongroom pull --new 取回。", "Fetch them with strongroom pull --new.")
        }
        _ => (
            "详情请用 strongroom 在自己的设备上查看。",
            "Look at it with strongroom on your own device.",
        ),
    }
}

impl Message {
    /// The message of `kind` about `object` of `client`, which happened at `at`.
    pub fn new(id: String, kind: Kind, client: ClientId, object: String, at: Timestamp) -> Self {
        let (zh, en) = said(kind);
        let (zh_next, en_next) = next(kind);
        let subject = format!("Strongroom: {zh} · {en}");
        let text = format!(
            "{zh}。\n客户编号 {client}\n编号 {object}\n时间 {at}\n{zh_next}\n\n\
             {en}.\nClient {client}\nId {object}\nTime {at}\n{en_next}\n"
        );
        Self { id, kind: kind.as_str(), client, object, at, subject, text }
    }
}
