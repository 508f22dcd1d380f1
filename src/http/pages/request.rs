//! `/u/ID`: what a request link is, for whoever tapped it.

use super::Page;

/// The page. It is the same for every id: the secret stands behind the `#` and never gets
/// here.
pub fn page() -> Page {
    Page::new("上传文件 · Send documents")
        .section("zh-CN", "您的会计请您发送文件")
        .text("无需注册账号。文件在您的电脑上封存，只有负责的会计能打开；本网站和链接的其他持有人都看不到内容。")
        .text("请在电脑上打开终端，粘贴完整的链接（包括 # 后面的全部字符）：")
        .command("strongroom send 对账单.pdf --link '完整的链接' --from '您的姓名'")
        .note("# 后面的内容就是钥匙：请勿转发，也不要截图。链接有期限，也限制文件数量和大小；失效后请向您的会计索取新链接。凭此链接只能发送，不能查看或下载任何内容。打开本页不会消耗链接。")
        .note("没有安装 strongroom？请向机构索取程序，或请其告知下载地址。若提示证书不受信任，请向机构索取 CA 文件，并在命令中加 --ca 文件。")
        .section("en", "Your accountant asks you for documents")
        .text("You need no account. Documents are sealed on your own computer and only the accountants in charge open them; neither this site nor anybody else with the link sees what is in them.")
        .text("On a computer, open a terminal and paste the whole link, with everything after the #:")
        .command("strongroom send statement.pdf --link 'THE WHOLE LINK' --from 'YOUR NAME'")
        .note("What stands after the # is the key: do not forward it. The link ends at a set time and takes a set number of files; if it has ended, ask your accountant for a new one. It only sends: nobody lists or reads anything with it. Opening this page uses nothing up.")
        .note("No strongroom yet? Ask the firm for it, or for its page of releases. If the certificate is not trusted, ask the firm for its CA and add --ca FILE to the command.")
}
