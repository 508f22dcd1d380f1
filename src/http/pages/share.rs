//! `/s/ID`: what a share link is, for whoever tapped it.

use super::Page;

/// The page. It is the same for every id: the secret stands behind the `#` and never gets
/// here, and opening the page uses nothing up.
pub fn page() -> Page {
    Page::new("文件分享 · Shared documents")
        .section("zh-CN", "有人向您分享了文件")
        .text("这是一家记账机构为合作方开设的限时分享。文件已封存，只有持有完整链接和提取码的人才能打开；提取码会通过另一渠道告知您。")
        .text("请在电脑上打开终端，粘贴完整的链接（包括 # 后面的全部字符）：")
        .command("strongroom receive '完整的分享链接' --code 提取码 --to 文件夹")
        .text("需要回传文件（例如审计报告）时：")
        .command("strongroom send 文件 --link '完整的分享链接' --code 提取码")
        .note("# 后面的内容就是钥匙：请勿转发，也不要截图。打开本页不会消耗下载次数。已下载的副本无法收回。")
        .note("没有安装 strongroom？请向机构索取程序，或请其告知下载地址。若提示证书不受信任，请向机构索取 CA 文件，并在命令中加 --ca 文件。")
        .section("en", "Documents were shared with you")
        .text("A bookkeeping firm opened this share for a partner, for a limited time. The documents are sealed: only whoever has the whole link and the access code opens them. You get the code by another way.")
        .text("On a computer, open a terminal and paste the whole link, with everything after the #:")
        .command("strongroom receive 'THE WHOLE LINK' --code CODE --to FOLDER")
        .text("To give something back, for example a report:")
        .command("strongroom send FILE --link 'THE WHOLE LINK' --code CODE")
        .note("What stands after the # is the key: do not forward it. Opening this page uses nothing up. A copy that was downloaded cannot be taken back.")
        .note("No strongroom yet? Ask the firm for it, or for its page of releases. If the certificate is not trusted, ask the firm for its CA and add --ca FILE to the command.")
}
