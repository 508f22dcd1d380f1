//! What the log's words of action mean, for people. A word that is not known here is shown as
//! it stands: nothing is left out because a gateway is newer.

use super::lang::Lang;

/// Every action that can stand in a client's or the firm's log: its word, in English, in Chinese.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("access.refused", "was refused", "尝试被拒绝"),
    ("assignment.set", "set who looks after the client", "分户"),
    ("card.revoke", "revoked a key", "吊销密钥"),
    ("client.add", "added the client", "添加客户"),
    ("document.adopt", "took over an age file as sent", "认领原样 age 文件"),
    ("document.arrive", "a document arrived through curl", "经 curl 收到文档"),
    ("document.begin", "began to send", "开始发送"),
    ("document.complete", "sent", "发送完成"),
    ("document.expire", "an unfinished document expired", "未完成文档过期"),
    ("document.give_up", "gave up sending", "放弃发送"),
    ("document.list", "looked through the list", "查看文档列表"),
    ("document.open", "fetched the contents", "取走文件内容"),
    ("document.prove_recovery", "checked the recovery key", "核对恢复密钥"),
    ("document.pulled", "opened and saved", "打开并保存"),
    ("document.reason", "said why a closed period is opened", "说明打开已结账期间的事由"),
    ("document.recall", "took back", "撤回"),
    ("document.rewrap", "re-wrapped for others", "补封给他人"),
    ("firm.found", "founded the firm", "创建机构"),
    ("firm.move", "moved the gateway", "迁移网关"),
    ("handover.complete", "handed an accountant's clients over", "完成会计移交"),
    ("invitation.open", "invited somebody", "发出邀请"),
    ("invitation.revoke", "ended an invitation", "终止邀请"),
    ("key.confirm", "confirmed a new key", "确认新密钥"),
    ("key.rotate", "took a new key", "更换密钥"),
    ("keyring.device", "joined a device", "添加设备"),
    ("link.open", "opened a link", "开通链接"),
    ("link.revoke", "ended a link", "终止链接"),
    ("member.join", "joined", "加入"),
    ("member.suspend", "ended a member", "停用成员"),
    ("partner.add", "recorded a partner", "登记合作机构"),
    ("partner.resume", "let a partner receive again", "恢复合作机构"),
    ("partner.suspend", "suspended a partner", "停用合作机构"),
    ("partner.update", "changed a partner's record", "更改合作机构登记"),
    ("passphrase.change", "changed the passphrase", "更换口令"),
    ("period.close", "closed a period", "结账"),
    ("period.reopen", "opened a closed period again", "反结账"),
    ("policy.set", "set the policy", "设置策略"),
    ("recovery.list", "listed documents to recover", "列出待恢复文档"),
    ("recovery.open", "opened a recovery", "启动恢复"),
    ("recovery.rehearse", "rehearsed the recovery", "演练恢复"),
    ("recovery.rewrap", "recovered documents", "恢复文档"),
    ("session.end", "logged out", "退出登录"),
    ("session.open", "logged in", "登录"),
    ("session.refresh", "went on with a session", "续期会话"),
    ("session.reuse", "used an old token", "使用旧令牌"),
    ("share.authorise", "authorised a share", "授权分享"),
    ("share.fetch", "fetched from a share", "从分享取走"),
    ("share.lock", "a share was locked", "分享已锁定"),
    ("share.open", "opened a share", "打开分享"),
    ("share.propose", "proposed a share", "提出分享"),
    ("share.refuse", "refused a share", "拒绝分享"),
    ("share.release", "gave a share's slot back", "归还分享次数"),
    ("share.revoke", "revoked a share", "撤销分享"),
    ("share.second", "agreed to a share as second person", "复核分享"),
    ("share.unlock", "unlocked a share", "解锁分享"),
    ("share.withdraw", "withdrew an authorisation", "撤回授权"),
    ("share.wrong_code", "gave a wrong access code", "提取码错误"),
];

/// `action` as people say it in `lang`.
pub(super) fn spoken(action: &str, lang: Lang) -> &str {
    let known = ACTIONS.iter().find(|(word, _, _)| *word == action);
    known.map_or(action, |(_, en, zh)| lang.pick(en, zh))
}

/// Whether `action` says nothing of what was read, and happens at every look.
pub(super) fn is_routine(action: &str) -> bool {
    matches!(action, "document.list" | "document.prove_recovery")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_have_words_and_unknown_ones_stay_as_they_are() {
        assert_eq!(spoken("document.open", Lang::Zh), "取走文件内容");
        assert_eq!(spoken("document.open", Lang::En), "fetched the contents");
        assert_eq!(spoken("brand.new", Lang::Zh), "brand.new");
        assert!(ACTIONS.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted, each once");
    }
}
