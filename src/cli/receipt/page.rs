//! One page that a client can keep: the receipt in Chinese and English, with everything that a
//! check needs, printed out. No script, no picture, nothing from elsewhere.

use crate::envelope::statement::Receipt;

use super::{Firm, Kept, Outcome, RootFrom};

/// The page.
pub(super) fn html(
    kept: &Kept,
    receipt: &Receipt,
    firm: &Firm,
    checked: Option<&Outcome>,
) -> String {
    let proven = match checked {
        Some(Outcome { index: Some(index), entry_checked: false, .. }) => format!(
            "已核验：签名有效，机构日志第 {index} 条有此记录的哈希；其内容未核对。 · Verified: the signature is good, and entry {index} of the firm's log has the hash that it names; what that entry says was not checked."
        ),
        Some(Outcome { index: Some(index), .. }) => format!(
            "已核验：签名有效，机构日志第 {index} 条可证。 · Verified: the signature is good, and entry {index} of the firm's log shows it."
        ),
        Some(_) => "签名有效；日志证明尚未取回。 · The signature is good; the proof from the log has not been fetched yet.".to_owned(),
        None => "尚未核验：请运行 strongroom verify。 · Not verified yet: run strongroom verify.".to_owned(),
    };
    let from = match firm.from {
        RootFrom::File => format!(
            "根密钥取自回执文件本身，以上仅对该密钥成立：请将其指纹 {0} 与机构公布的核对。 · The root key was taken from the receipt's own file, and all this holds for that key only: compare its fingerprint {0} with the one that the firm publishes.",
            receipt.root
        ),
        RootFrom::Given | RootFrom::Profile => {
            format!("根密钥指纹 · Root key's fingerprint: {}", receipt.root)
        }
    };
    let or_none = |value: Option<String>| value.unwrap_or_else(|| "-".into());
    let rows = [
        ("文档编号 · Document", receipt.document.to_string()),
        ("收到时间（UTC） · Received (UTC)", receipt.time.to_string()),
        ("机构根密钥 · Firm's root key", firm.root.to_string()),
        ("网关 · Gateway", or_none(kept.gateway.clone())),
        ("清单哈希 · Manifest", or_none(receipt.manifest.map(|hash| hash.to_string()))),
        ("密文哈希 · Ciphertext", receipt.pieces.to_string()),
        ("承诺值 · Commitment", or_none(receipt.commit.map(|hash| hash.to_string()))),
        ("收件密钥数 · Recipients", receipt.recipients.len().to_string()),
        ("日志条目 · Log entry", receipt.entry.to_string()),
    ];
    let rows: String = rows
        .iter()
        .map(|(name, value)| format!("<tr><th>{name}</th><td>{}</td></tr>\n", escaped(value)))
        .collect();
    format!(
        "<!doctype html>
<html lang=\"zh-CN\">
<head>
<meta charset=\"utf-8\">
<title>回执 · Receipt {document}</title>
<style>
body {{ font: 15px/1.5 sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem }}
th {{ text-align: left; vertical-align: top; padding-right: 1rem; font-weight: 600 }}
td, pre {{ font-family: monospace; overflow-wrap: anywhere; white-space: pre-wrap }}
table {{ border-collapse: collapse }}
tr {{ border-bottom: 1px solid #ccc }}
@media print {{ body {{ margin: 0 }} }}
</style>
</head>
<body>
<h1>回执 · Receipt</h1>
<p><strong>{proven}</strong></p>
<p>{from}</p>
<p>本页是网关对一份文档的签名承诺：已收到以下密文，并在一分钟内写入不可篡改的日志。</p>
<p>This page is the gateway's signed promise about one document: the ciphertext below was received, and is entered into a log that nobody can rewrite within a minute.</p>
<table>
{rows}</table>
<h2>原文 · The receipt itself</h2>
<p>以下文本可另存为文件，用 strongroom verify 或任何支持 C2SP signed-note 与 tlog-proof 的工具核验。 · Save the text below as a file and check it with strongroom verify, or with any tool for C2SP signed notes and tlog proofs.</p>
<pre>{text}</pre>
</body>
</html>
",
        document = receipt.document,
        text = escaped(&kept.to_string()),
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_receipt_becomes_markup() {
        assert_eq!(escaped("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
