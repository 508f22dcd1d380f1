//! `partner`: the register of partners (合作机构名录).

use http::Method;
use serde::Serialize;

use super::Context;
use super::error::Error;
use super::gateway::{Ask, Session};
use super::terminal::{Terminal, printable};
use super::words::Word;
use crate::api::{
    ExportRoute, Partner, PartnerBar, PartnerDetails, PartnerState, PutPartner, limits,
};
use crate::clock::Timestamp;
use crate::ids::PartnerId;

/// The firm's partners · 合作机构
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example · 示例:
  strongroom partner add 上海某税务师事务所 --kind tax_agent --nda-from 2026-01-01 \
    --nda-until 2026-12-31
  strongroom partner list
  strongroom partner suspend 3f07…")]
pub struct PartnerArgs {
    /// What to do
    #[command(subcommand)]
    pub action: PartnerAction,
}

/// What can be done with partners.
#[derive(Debug, clap::Subcommand)]
pub enum PartnerAction {
    /// Record a partner · 登记合作机构
    #[command(after_help = "\
Example · 示例:
  strongroom partner add 上海某税务师事务所 --kind tax_agent --person 张税务 \\
      --nda-from 2026-01-01 --nda-until 2026-12-31

Nothing is shared with a partner without a confidentiality agreement that is valid now.")]
    Add {
        /// Its name · 名称
        #[arg(value_name = "NAME")]
        name: String,
        /// What else is known
        #[command(flatten)]
        facts: Box<Facts>,
    },
    /// Change what is recorded · 更改登记
    #[command(
        after_help = "Example · 示例:\n  strongroom partner update 3f07… --nda-until 2027-12-31"
    )]
    Update {
        /// The partner · 合作机构
        #[arg(value_name = "ID")]
        partner: PartnerId,
        /// Its name · 名称
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// What changes
        #[command(flatten)]
        facts: Box<Facts>,
    },
    /// List the partners · 列出合作机构
    #[command(after_help = "Example · 示例:\n  strongroom partner list")]
    List,
    /// Stop all links of a partner at once · 停用（立即停止其全部链接）
    #[command(after_help = "Example · 示例:\n  strongroom partner suspend 3f07…")]
    Suspend {
        /// The partner · 合作机构
        #[arg(value_name = "ID")]
        partner: PartnerId,
    },
    /// Let a suspended partner receive again · 恢复
    #[command(after_help = "Example · 示例:\n  strongroom partner resume 3f07…")]
    Resume {
        /// The partner · 合作机构
        #[arg(value_name = "ID")]
        partner: PartnerId,
    },
}

/// What is recorded of a partner.
#[derive(Debug, clap::Args)]
pub struct Facts {
    /// What it is: tax_agent, audit_firm, bank, law_firm, parent_company, … · 机构类型
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// Its licence number · 许可证号
    #[arg(long, value_name = "NUMBER")]
    pub licence: Option<String>,
    /// Where it is: two letters (ISO 3166-1), e.g. CN, HK, SG · 所在地区
    #[arg(long, value_name = "CC")]
    pub jurisdiction: Option<String>,
    /// Somebody there who receives; can be given more than once · 对方接收人，可多次给出
    #[arg(long = "person", value_name = "NAME")]
    pub people: Vec<String>,
    /// First day of the confidentiality agreement · 保密协议起始日
    #[arg(long, value_name = "DATE")]
    pub nda_from: Option<String>,
    /// Its last day · 保密协议截止日
    #[arg(long, value_name = "DATE")]
    pub nda_until: Option<String>,
    /// When to look at the partner again · 下次复核日期
    #[arg(long, value_name = "DATE")]
    pub review: Option<String>,
    /// Way out of the jurisdiction: exempt_hr, exempt_contract, exempt_small,
    /// standard_contract, certification, assessment
    #[arg(long, value_name = "ROUTE", value_parser = route)]
    pub export_route: Option<ExportRoute>,
    /// Number of the impact assessment · 影响评估编号
    #[arg(long, value_name = "NUMBER")]
    pub assessment: Option<String>,
    /// Reference of the authorisation for the way out · 出境授权编号
    #[arg(long, value_name = "REFERENCE")]
    pub export_authorisation: Option<String>,
}

fn route(word: &str) -> Result<ExportRoute, String> {
    ExportRoute::parse(word).ok_or_else(|| "not a way out of the jurisdiction".to_owned())
}

/// Days begin at midnight in China (UTC+8).
const DAY_BEGINS: &str = "T00:00:00.000Z";
const CHINA_SECS: i64 = 8 * 3600;

/// The beginning of a day, or a point in time as RFC 3339 says it.
pub(super) fn from_day(text: &str) -> Result<Timestamp, Error> {
    let bad = || Error::new(Word::BadDate).about(printable(text));
    if text.contains('T') {
        return text.parse().map_err(|_| bad());
    }
    let day: Timestamp = format!("{text}{DAY_BEGINS}").parse().map_err(|_| bad())?;
    Ok(day.plus_secs(-CHINA_SECS))
}

/// The end of a day, or a point in time.
fn until_day(text: &str) -> Result<Timestamp, Error> {
    let at = from_day(text)?;
    Ok(if text.contains('T') { at } else { at.plus_secs(24 * 3600) })
}

impl Facts {
    fn change(&self, details: &mut PartnerDetails) -> Result<(), Error> {
        let set = |place: &mut String, given: &Option<String>| {
            if let Some(given) = given {
                place.clone_from(given);
            }
        };
        set(&mut details.kind, &self.kind);
        set(&mut details.licence, &self.licence);
        set(&mut details.jurisdiction, &self.jurisdiction);
        set(&mut details.export_assessment, &self.assessment);
        set(&mut details.export_authorisation, &self.export_authorisation);
        details.jurisdiction.make_ascii_uppercase();
        let code = details.jurisdiction.as_bytes();
        if code.len() != 2 || !code.iter().all(u8::is_ascii_uppercase) {
            let given = printable(&details.jurisdiction);
            return Err(Error::new(Word::BadJurisdiction).about(given));
        }
        if !self.people.is_empty() {
            details.people.clone_from(&self.people);
        }
        if let Some(day) = &self.nda_from {
            details.nda_from = Some(from_day(day)?);
        }
        if let Some(day) = &self.nda_until {
            details.nda_until = Some(until_day(day)?);
        }
        if let Some(day) = &self.review {
            details.review_at = Some(from_day(day)?);
        }
        if self.export_route.is_some() {
            details.export_route = self.export_route;
        }
        match (details.nda_from, details.nda_until) {
            (Some(from), Some(until)) if from >= until => Err(Error::new(Word::NdaDates)),
            (Some(_), None) => Err(Error::new(Word::NdaDates)),
            _ => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Row<'a> {
    partner: PartnerId,
    state: PartnerState,
    bar: Option<PartnerBar>,
    #[serde(flatten)]
    details: &'a PartnerDetails,
}

impl<'a> From<&'a Partner> for Row<'a> {
    fn from(partner: &'a Partner) -> Self {
        let Partner { partner, state, bar, details } = partner;
        Self { partner: *partner, state: *state, bar: *bar, details }
    }
}

/// Runs `partner`.
///
/// # Errors
/// [`Word::BadDate`], [`Word::BadName`], [`Word::BadJurisdiction`], [`Word::NdaDates`],
/// [`Word::NotAllowed`], [`Word::NotFound`], and those of asking.
pub async fn run(context: &Context, args: PartnerArgs) -> Result<(), Error> {
    let session = context.session()?;
    let terminal = &context.terminal;
    let (id, put) = match args.action {
        PartnerAction::List => {
            let partners: Vec<Partner> = session.get("/partners").await?;
            let rows: Vec<Row<'_>> = partners.iter().map(Row::from).collect();
            return terminal.result(&rows, || {
                partners.iter().map(|partner| line(terminal, partner) + "\n").collect()
            });
        }
        PartnerAction::Add { name, facts } => {
            let mut details = PartnerDetails {
                name,
                kind: "other".into(),
                licence: String::new(),
                jurisdiction: "CN".into(),
                people: Vec::new(),
                nda_from: None,
                nda_until: None,
                review_at: None,
                export_route: None,
                export_assessment: String::new(),
                export_authorisation: String::new(),
            };
            named(&details.name)?;
            facts.change(&mut details)?;
            // Whoever says only until when means from today.
            if details.nda_until.is_some() && details.nda_from.is_none() {
                details.nda_from = Some(session.clock().now());
            }
            (PartnerId::random(), PutPartner { details, suspended: false })
        }
        PartnerAction::Update { partner, name, facts } => {
            let mut put = known(&session, partner).await?;
            facts.change(&mut put.details)?;
            if let Some(name) = name {
                named(&name)?;
                put.details.name = name;
            }
            if put.details.nda_until.is_some() && put.details.nda_from.is_none() {
                put.details.nda_from = Some(session.clock().now());
            }
            (partner, put)
        }
        PartnerAction::Suspend { partner } => {
            (partner, PutPartner { suspended: true, ..known(&session, partner).await? })
        }
        PartnerAction::Resume { partner } => {
            (partner, PutPartner { suspended: false, ..known(&session, partner).await? })
        }
    };
    let ask = Ask::json(Method::PUT, format!("/partners/{id}"), &put)?;
    let partner: Partner = session.json(&ask).await?;
    terminal.result(&Row::from(&partner), || line(terminal, &partner))
}

/// A partner has a name that can be shown.
fn named(name: &str) -> Result<(), Error> {
    let fits = limits::is_name(name);
    if fits { Ok(()) } else { Err(Error::new(Word::BadName).about("NAME")) }
}

async fn known(session: &Session, id: PartnerId) -> Result<PutPartner, Error> {
    let partners: Vec<Partner> = session.get("/partners").await?;
    let found = partners.into_iter().find(|partner| partner.partner == id);
    let partner = found.ok_or_else(|| unknown_partner(Error::new(Word::NotFound)))?;
    let suspended = partner.state == PartnerState::Suspended;
    Ok(PutPartner { details: partner.details, suspended })
}

/// Says where the ids of partners are, where there is none of that id.
pub(super) fn unknown_partner(error: Error) -> Error {
    error.advise(
        Word::NotFound,
        "strongroom partner list shows the partners",
        "strongroom partner list 会列出合作机构",
    )
}

/// Why nothing goes to a partner, for people.
pub(super) fn bar(terminal: &Terminal, bar: Option<PartnerBar>) -> &'static str {
    match bar {
        None => terminal.pick("may receive", "可接收"),
        Some(PartnerBar::Suspended) => terminal.pick("suspended", "已停用"),
        Some(PartnerBar::NdaExpired) => terminal.pick("no valid agreement", "保密协议无效"),
        Some(PartnerBar::ExportBlocked) => terminal.pick("export blocked", "出境受限"),
    }
}

fn line(terminal: &Terminal, partner: &Partner) -> String {
    let details = &partner.details;
    format!(
        "{}  {}  {}  {}",
        partner.partner,
        bar(terminal, partner.bar),
        details.jurisdiction,
        printable(&details.name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days_in_china() {
        let day = |text| from_day(text).map(|t| t.to_string()).map_err(|e| e.code().to_owned());
        assert_eq!(day("2026-12-31"), Ok("2026-12-30T16:00:00.000Z".into()));
        assert_eq!(day("2026-12-31T01:02:03.004Z"), Ok("2026-12-31T01:02:03.004Z".into()));
        assert_eq!(
            until_day("2026-12-31").map(|t| t.to_string()).map_err(|e| e.code().to_owned()),
            Ok("2026-12-31T16:00:00.000Z".into())
        );
        for bad in ["", "2026-13-01", "2026-02-30", "31.12.2026", "tomorrow"] {
            assert_eq!(day(bad), Err("bad_date".into()), "{bad}");
        }
    }
}
