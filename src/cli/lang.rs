//! Which language people are spoken to in: Chinese where `LC_ALL` or `LANG` begins with `zh`,
//! English otherwise, unless `--lang` says so. Codes are in neither and never change.

use crate::api::DocumentState;
use crate::envelope::statement::{Category, Role, SealLevel};
use crate::trust::Spoken;

/// A language that every message exists in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// 简体中文.
    Zh,
}

impl Lang {
    /// What the environment asks for: the first of `LC_ALL` and `LANG` that is set and not empty.
    pub fn from_environment() -> Self {
        Self::from_locales(["LC_ALL", "LANG"].map(|name| std::env::var(name).ok()))
    }

    fn from_locales(locales: impl IntoIterator<Item = Option<String>>) -> Self {
        let first = locales.into_iter().flatten().find(|locale| !locale.is_empty());
        if first.is_some_and(|locale| locale.to_ascii_lowercase().starts_with("zh")) {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// A role as people say it.
    pub fn role(self, role: Role) -> &'static str {
        match (self, role) {
            (Self::En, role) => role.as_str(),
            (Self::Zh, Role::Principal) => "负责人",
            (Self::Zh, Role::Clerk) => "经办人",
            (Self::Zh, Role::Accountant) => "会计",
            (Self::Zh, Role::Lead) => "主管会计",
            (Self::Zh, Role::PrivacyOfficer) => "隐私专员",
            (Self::Zh, Role::Auditor) => "内审",
            (Self::Zh, Role::Admin) => "系统管理员",
            (Self::Zh, Role::Recovery) => "恢复密钥",
            (Self::Zh, Role::GatewayReceipt) => "网关回执密钥",
            (Self::Zh, Role::GatewayArrival) => "网关到达封存密钥",
            (Self::Zh, Role::GatewayLog) => "网关日志密钥",
        }
    }

    /// A category as people say it.
    pub fn category(self, category: Category) -> &'static str {
        match (self, category) {
            (Self::En, category) => category.as_str(),
            (Self::Zh, Category::Receipts) => "票据",
            (Self::Zh, Category::Bank) => "银行对账单",
            (Self::Zh, Category::Payroll) => "工资表",
            (Self::Zh, Category::Tax) => "纳税申报表",
            (Self::Zh, Category::Contract) => "合同",
            (Self::Zh, Category::Report) => "财务报表",
            (Self::Zh, Category::Other) => "其他",
        }
    }

    /// A document's state as people say it.
    pub fn state(self, state: DocumentState) -> &'static str {
        match (self, state) {
            (Self::En, state) => state.as_str(),
            (Self::Zh, DocumentState::Uploading) => "上传中",
            (Self::Zh, DocumentState::Received) => "已收到",
            (Self::Zh, DocumentState::Pulled) => "已取回",
            (Self::Zh, DocumentState::Recalled) => "已撤回",
        }
    }

    /// Where a document was sealed, as people say it; never call another level end-to-end.
    pub fn seal(self, seal: SealLevel) -> &'static str {
        match (self, seal) {
            (Self::En, SealLevel::EndToEnd) => "end-to-end",
            (Self::En, SealLevel::OnArrival) => "sealed on arrival",
            (Self::En, SealLevel::RawAge) => "age file as sent",
            (Self::Zh, SealLevel::EndToEnd) => "端到端",
            (Self::Zh, SealLevel::OnArrival) => "到达时封存",
            (Self::Zh, SealLevel::RawAge) => "原样 age 文件",
        }
    }

    /// The words of a fingerprint as they are read aloud.
    pub fn spoken(self, words: &Spoken) -> &str {
        self.pick(&words.en, &words.zh)
    }

    /// The text of this language.
    pub fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_locale_that_is_set_decides() {
        let lang = |locales: [Option<&str>; 2]| {
            Lang::from_locales(locales.map(|locale| locale.map(String::from)))
        };
        assert_eq!(lang([None, Some("zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(lang([Some("zh_TW"), Some("en_US")]), Lang::Zh);
        assert_eq!(lang([Some("C"), Some("zh_CN.UTF-8")]), Lang::En);
        assert_eq!(lang([Some(""), Some("zh_CN.UTF-8")]), Lang::Zh);
        assert_eq!(lang([None, None]), Lang::En);
    }
}
