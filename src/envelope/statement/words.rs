//! The vocabulary of statements: closed sets of words, one word per idea.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text is none of the words that can stand here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a word that can stand here")]
pub struct ParseWordError;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// Every word there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word itself.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ParseWordError;

            fn from_str(text: &str) -> Result<Self, ParseWordError> {
                match text { $($word => Ok(Self::$variant),)* _ => Err(ParseWordError) }
            }
        }
    };
}

words!(
    /// What somebody may be (角色). The last four are keys, not people.
    Role {
        /// 负责人: decides for a client.
        Principal = "principal",
        /// 经办人: sends for a client.
        Clerk = "clerk",
        /// 会计: looks after assigned clients.
        Accountant = "accountant",
        /// 主管会计: signs assignments, roles and policies.
        Lead = "lead",
        /// 隐私专员.
        PrivacyOfficer = "privacy_officer",
        /// 内审.
        Auditor = "auditor",
        /// 系统管理员: never holds a content key.
        Admin = "admin",
        /// The firm's recovery key.
        Recovery = "recovery",
        /// The gateway's key that signs receipts.
        GatewayReceipt = "gateway_receipt",
        /// The gateway's key that signs what it sealed on arrival.
        GatewayArrival = "gateway_arrival",
        /// The gateway's key that signs checkpoints.
        GatewayLog = "gateway_log",
    }
);

impl Role {
    /// Whether it belongs to a client's side and therefore names a client.
    pub const fn is_client_side(self) -> bool {
        matches!(self, Self::Principal | Self::Clerk)
    }

    /// Whether a person can hold it.
    pub const fn is_person(self) -> bool {
        !matches!(
            self,
            Self::Recovery | Self::GatewayReceipt | Self::GatewayArrival | Self::GatewayLog
        )
    }

    /// Whether only the root key can give it.
    pub const fn is_root_given(self) -> bool {
        matches!(self, Self::Lead) || !self.is_person()
    }
}

words!(
    /// What kind of paper a document is (类别).
    Category {
        /// 票据.
        Receipts = "receipts",
        /// 银行对账单.
        Bank = "bank",
        /// 工资表: sensitive.
        Payroll = "payroll",
        /// 纳税申报表.
        Tax = "tax",
        /// 合同.
        Contract = "contract",
        /// 财务报表.
        Report = "report",
        /// 其他.
        Other = "other",
    }
);

impl Category {
    /// What clerks may read where no policy says otherwise: everything but payroll.
    pub fn clerk_default() -> Vec<Self> {
        Self::ALL.iter().copied().filter(|c| *c != Self::Payroll).collect()
    }
}

words!(
    /// Which way a document goes.
    Direction {
        /// To the firm.
        In = "in",
        /// To the client.
        Out = "out",
    }
);

words!(
    /// Where a document was sealed.
    SealLevel {
        /// On the sender's device.
        EndToEnd = "end_to_end",
        /// By the gateway while receiving.
        OnArrival = "on_arrival",
        /// An age file kept as it was sent.
        RawAge = "raw_age",
    }
);

words!(
    /// Yes or no.
    YesNo {
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
    }
);

impl From<bool> for YesNo {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

words!(
    /// What a revocation ends.
    RevocationKind {
        /// A member.
        Member = "member",
        /// An invitation.
        Invitation = "invitation",
        /// A request link or an address for sealing on arrival.
        Link = "link",
        /// A share.
        Share = "share",
        /// One card of a member, by member and epoch.
        Card = "card",
        /// A document, by its sender (撤回).
        Document = "document",
    }
);

words!(
    /// What a client's principal decides about a share (授权).
    Decision {
        /// 同意: it may be opened.
        Authorise = "authorise",
        /// 拒绝: it never opens.
        Refuse = "refuse",
        /// 撤回: it opens no more.
        Withdraw = "withdraw",
    }
);

words!(
    /// On what ground personal data in a share may be passed on (个人信息处理依据).
    Basis {
        /// 员工单独同意: the persons concerned consented to this.
        Consent = "consent",
        /// 法定义务: the law demands it.
        LegalDuty = "legal_duty",
        /// 已脱敏: nobody can be recognised.
        DeIdentified = "de_identified",
        /// 无个人信息: there is none in it.
        NoPersonalData = "no_personal_data",
    }
);

/// An accounting period (会计期间): a month, `YYYY-MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    year: u16,
    month: u8,
}

impl Period {
    /// The month before the one that `at` lies in, in China's time zone (UTC+8): documents
    /// are usually collected for the month that has just ended.
    pub fn month_before(at: crate::clock::Timestamp) -> Self {
        let local = at.plus_secs(8 * 3600).to_utc();
        let (year, month) = (local.year(), u8::from(local.month()));
        let (year, month) = if month == 1 { (year - 1, 12) } else { (year, month - 1) };
        Self { year: u16::try_from(year).unwrap_or(1970), month }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl FromStr for Period {
    type Err = ParseWordError;

    fn from_str(text: &str) -> Result<Self, ParseWordError> {
        let (year, month) = text.split_once('-').ok_or(ParseWordError)?;
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(ParseWordError);
        }
        let period = Self {
            year: year.parse().map_err(|_| ParseWordError)?,
            month: month.parse().map_err(|_| ParseWordError)?,
        };
        if (1..=12).contains(&period.month) && period.year >= 1949 {
            Ok(period)
        } else {
            Err(ParseWordError)
        }
    }
}

impl Serialize for Period {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
