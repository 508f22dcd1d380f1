//! `/in/TOKEN`: an address that seals what is sent to it, explained to whoever opened it.

use super::Page;

/// What the page names.
#[derive(Debug)]
pub struct Address<'a> {
    /// The whole address, as the client was given it.
    pub url: &'a str,
    /// Recipients (`age1…`) of the accountants who look after the client.
    pub recipients: &'a [String],
}

/// The page of an open address.
pub fn page(address: &Address<'_>) -> Page {
    let Address { url, recipients } = address;
    let to = recipients.iter().map(|r| format!("-r {r}")).collect::<Vec<_>>().join(" \\\n  ");
    let put = format!("curl -T 对账单.pdf '{url}/'");
    let form = format!("curl -F file=@对账单.pdf '{url}'");
    let raw = format!("age {to} 对账单.pdf |\n  curl -T - '{url}'");
    Page::new("投递文件 · Send documents")
        .section("zh-CN", "把文件投递给您的会计")
        .text("用任何装有 curl 的电脑即可发送，无需安装：")
        .command(put.clone())
        .command(form.clone())
        .note("地址末尾的 / 使文件名一并送达。期间与类别写在后面：…/?period=2026-10&category=bank")
        .text("收到后会返回一行 JSON：文档编号、校验值和回执。请把回执保存好。")
        .note("经此地址发送的文件由网关在接收时封存，不落明文，但不是端到端加密。若要在自己的电脑上先封存，请用 age：")
        .command(raw.clone())
        .note("请勿公开此地址：知道它的人都能投递，但谁也不能凭它查看或下载任何内容。")
        .section("en", "Send documents to your accountant")
        .text("Any computer with curl can send, with nothing to install:")
        .command(put)
        .command(form)
        .note("The / at the end brings the file's name along. Period and category go behind it: …/?period=2026-10&category=bank")
        .text("The answer is a line of JSON with the document's id, its checksum and a receipt. Keep the receipt.")
        .note("What is sent here is sealed by the gateway while it arrives and never written in the clear, but it is not end-to-end encrypted. To seal it on your own computer first, use age:")
        .command(raw)
        .note("Keep this address to yourself: whoever knows it can send, though nobody can list or read anything with it.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_address_and_recipients() {
        let page = page(&Address {
            url: "https://files.example.cn/in/T",
            recipients: &["age1a".into(), "age1b".into()],
        });
        let text = page.plain();
        assert!(text.contains("curl -T 对账单.pdf 'https://files.example.cn/in/T/'"));
        assert!(text.contains("-r age1a") && text.contains("-r age1b"));
        assert!(text.contains("不是端到端加密") && text.contains("not end-to-end"));
    }
}
