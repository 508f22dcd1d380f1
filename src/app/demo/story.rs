//! What `demo` prints for people: whom to be and what to try.

use super::record::Record;
use crate::cli::Lang;

/// The story, in the reader's language.
pub(super) fn told(record: &Record, lang: Lang) -> String {
    let program = std::env::current_exe()
        .map(|path| path.display().to_string())
        .unwrap_or_else(|_| "strongroom".into());
    let profile =
        |name: &str| record.profiles.get(name).map(|p| p.display().to_string()).unwrap_or_default();
    let client = record.clients.get("principal").map(ToString::to_string).unwrap_or_default();
    let (principal, accountant, other) =
        (profile("principal"), profile("accountant"), profile("accountant2"));
    let (ca, door, url) = (record.ca.display(), &record.on_arrival_url, &record.url);
    let link = &record.request_link;
    let partner = &record.partner;
    match lang {
        Lang::Zh => format!(
            "演示机构已就绪：{url}   （Ctrl-C 停止；数据保留，可再次启动）

在另一个终端里试试：

1. 客户负责人发送一份文件，封存给负责的会计：
   echo '三月对账单' > 对账单.txt
   {program} --profile {principal} send 对账单.txt --category bank

2. 会计查看并取回：
   {program} --profile {accountant} list
   {program} --profile {accountant} pull --new --to 收件

3. 另一位会计什么也看不到：
   {program} --profile {other} list

4. 会计把报表交给客户：
   {program} --profile {accountant} deliver 对账单.txt --client {client} --category report
   {program} --profile {principal} pull --new --to 我的报表

5. 什么都不装，用 curl 投递（由网关在接收时封存，不是端到端）：
   curl --cacert {ca} -T 对账单.txt {door}/

6. 没有账号的人凭上传链接发送（在自己的设备上封存，只能发送）：
   {program} --ca {ca} send 对账单.txt --link '{link}' --from 李四

7. 会计把文档限时分享给合作机构（文档编号见第 2 步的 list），客户负责人授权后才能打开：
   {program} --profile {accountant} share 文档编号 --partner {partner} --purpose '年度审计'
   {program} --profile {principal} shares
   {program} --profile {principal} authorise 分享编号 --basis no_personal_data

8. 合作机构没有账号，凭链接和提取码接收，并回传报告：
   {program} --ca {ca} receive '分享链接' --code 提取码 --to 合作机构收件
   {program} --ca {ca} send 对账单.txt --link '分享链接' --code 提取码 --category report
   {program} --profile {accountant} pull --new --to 收件

   （加上 --to-client，客户自己的人也能打开回传的文件；不加则客户只在 who-saw 中看到有回传）

9. 客户看到对方取走了什么，并一键撤回；之后链接立即失效：
   {program} --profile {principal} shares
   {program} --profile {principal} who-saw
   {program} --profile {principal} withdraw 分享编号
   {program} --ca {ca} receive '分享链接' --code 提取码 --to 合作机构收件

10. 电话里念出核对词即可确认密钥；会计更换密钥后，客户核对之前不会向新密钥发送：
   {program} --profile {accountant} whoami
   {program} --profile {principal} recipients
   {program} --profile {accountant} key rotate
   {program} --profile {principal} send 对账单.txt --category bank
   {program} --profile {principal} recipients confirm 成员编号 --fingerprint '会计念出的核对词'

全部身份、口令与链接见 demo.json（仅限本人读取）。
"
        ),
        Lang::En => format!(
            "The demo firm is ready: {url}   (Ctrl-C stops it; it starts again on the same data)

In another terminal, try:

1. A client's principal sends a document, sealed to their accountant:
   echo 'March statement' > statement.txt
   {program} --profile {principal} send statement.txt --category bank

2. The accountant looks and pulls:
   {program} --profile {accountant} list
   {program} --profile {accountant} pull --new --to inbox

3. Another accountant sees nothing of it:
   {program} --profile {other} list

4. The accountant returns a report:
   {program} --profile {accountant} deliver statement.txt --client {client} --category report
   {program} --profile {principal} pull --new --to my-reports

5. With nothing but curl (sealed by the gateway on arrival, not end-to-end):
   curl --cacert {ca} -T statement.txt {door}/

6. Somebody without an account sends through a request link (sealed on their own device):
   {program} --ca {ca} send statement.txt --link '{link}' --from 'Li Si'

7. The accountant shares a document with a partner for a limited time (its id stands in the
   list of step 2); it opens once the client's principal has authorised it:
   {program} --profile {accountant} share DOCUMENT --partner {partner} --purpose 'yearly audit'
   {program} --profile {principal} shares
   {program} --profile {principal} authorise SHARE --basis no_personal_data

8. The partner has no account, receives with link and access code, and gives a report back:
   {program} --ca {ca} receive 'SHARE LINK' --code CODE --to partner-inbox
   {program} --ca {ca} send statement.txt --link 'SHARE LINK' --code CODE --category report
   {program} --profile {accountant} pull --new --to inbox

   (with --to-client the client's own people can open what is given back; without, they see
   in who-saw that something came)

9. The client sees what was fetched and withdraws with one command; the link is dead at once:
   {program} --profile {principal} shares
   {program} --profile {principal} who-saw
   {program} --profile {principal} withdraw SHARE
   {program} --ca {ca} receive 'SHARE LINK' --code CODE --to partner-inbox

10. A key is compared by reading words aloud; after the accountant has made new keys, the client's
   device seals nothing to them before somebody has compared:
   {program} --profile {accountant} whoami
   {program} --profile {principal} recipients
   {program} --profile {accountant} key rotate
   {program} --profile {principal} send statement.txt --category bank
   {program} --profile {principal} recipients confirm MEMBER --fingerprint 'WORDS OF THE ACCOUNTANT'

Everybody's profile, passphrase and link stand in demo.json (private to you).
"
        ),
    }
}
