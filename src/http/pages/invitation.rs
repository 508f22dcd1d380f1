//! `/i/ID`: what an invitation link is, for whoever tapped it.

use super::Page;

/// The page. It is the same for every id: the secret stands behind the `#` and never gets
/// here.
pub fn page() -> Page {
    Page::new("加入 · Join")
        .section("zh-CN", "您收到了一份加入邀请")
        .text("这是一家记账机构发给您的一次性邀请。接受后，您可以安全地收发票据、银行对账单和报表；文件在您的设备上封存，只有负责您的会计能打开。")
        .text("请在电脑上打开终端，粘贴完整的链接（包括 # 后面的全部字符）：")
        .command("strongroom join '完整的邀请链接'")
        .note("# 后面的内容就是钥匙：请勿转发，也不要截图。链接只能用一次，过期后请让机构重新发送。打开本页不会消耗邀请。")
        .note("没有安装 strongroom？请向机构索取程序，或请其告知下载地址。若提示证书不受信任，请向机构索取 CA 文件，并在命令中加 --ca 文件。")
        .section("en", "You have been invited to join")
        .text("A bookkeeping firm sent you this one-time invitation. Once you accept, you can send and receive receipts, statements and reports; documents are sealed on your own device and only your accountant opens them.")
        .text("On a computer, open a terminal and paste the whole link, with everything after the #:")
        .command("strongroom join 'THE WHOLE LINK'")
        .note("What stands after the # is the key: do not forward it. The link works once; if it has expired, ask the firm for a new one. Opening this page uses nothing up.")
        .note("No strongroom yet? Ask the firm for it, or for its page of releases. If the certificate is not trusted, ask the firm for its CA and add --ca FILE to the command.")
}
