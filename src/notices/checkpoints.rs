//! Checkpoints of the audit log by mail: whoever keeps the mail can show that the log was cut off
//! or changed afterwards.

use crate::config;

use super::channels::{Error, Failed, Mail};

/// Mails checkpoints, over the mail server of `[notices]`.
pub struct CheckpointMail(Mail);

impl CheckpointMail {
    /// To these mailboxes; `None` where there are none.
    pub fn open(settings: &config::Notices, to: &[String]) -> Result<Option<Self>, Error> {
        match &settings.smtp_host {
            Some(host) if !to.is_empty() => {
                Ok(Some(Self(Mail::open(host, settings, ("audit.mail_to", to))?)))
            }
            _ => Ok(None),
        }
    }

    /// Mails the checkpoint over `size` entries, as it is signed.
    pub async fn send(&self, size: u64, note: &str) -> Result<(), Failed> {
        let subject = format!("审计日志检查点 · Audit log checkpoint {size}");
        let text = format!(
            "请保存本邮件。strongroom audit verify --checkpoint 文件 可据此证明日志此后未被截断或改写。\n\
             Keep this mail. With it strongroom audit verify --checkpoint FILE shows that the log was\n\
             neither cut off nor changed afterwards. The file is everything below this line.\n\n{note}"
        );
        self.0.send(&format!("checkpoint-{size}"), subject, text).await
    }
}
