//! The demo's people: two clients, their people, and every role of the firm. Each joins with
//! an invitation, in a process of their own, a few at a time: stretching a passphrase takes
//! memory and a moment.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use zeroize::Zeroizing;

use super::record::{Account, Record};
use crate::app::error::Error;
use crate::app::gateway::Gateway;
use crate::app::init::{CERTS, Outcome};
use crate::app::person::{Person, text};
use crate::ids::{ClientId, ParseIdError};
use crate::secrets::random_bytes;

/// The first lead's name in `demo.json`, and their login name.
pub(super) const LEAD: &str = "lead";

/// Everybody else: name in `demo.json`, role, name on screens, whose client.
const PEOPLE: &[(&str, &str, &str, Option<&str>)] = &[
    ("accountant", "accountant", "王会计", None),
    ("accountant2", "accountant", "李会计", None),
    ("principal", "principal", "陈老板", Some("principal")),
    ("principal2", "principal", "赵老板", Some("principal2")),
    ("clerk", "clerk", "小陈（经办）", Some("principal")),
    ("privacy_officer", "privacy_officer", "孙隐私专员", None),
    ("auditor", "auditor", "吴内审", None),
    ("admin", "admin", "郑管理员", None),
];

/// The clients: whose `demo.json` entry, name, accountant.
const CLIENTS: &[(&str, &str, &str)] = &[
    ("principal", "上海梧桐餐饮有限公司", "accountant"),
    ("principal2", "上海青禾贸易有限公司", "accountant2"),
];

/// The partner, with an agreement that is valid for as long as anybody shows the demo.
const PARTNER: &[&str] = &[
    "上海信达税务师事务所（演示）",
    "--kind",
    "tax_agent",
    "--person",
    "张税务",
    "--nda-from",
    "2020-01-01",
    "--nda-until",
    "2099-12-31",
];

/// Joins under way at once.
const AT_ONCE: usize = 4;

/// One passphrase a person, drawn at random.
pub(super) struct Passphrases(BTreeMap<&'static str, Zeroizing<String>>);

impl Passphrases {
    pub(super) fn random() -> Self {
        let names = PEOPLE.iter().map(|(name, ..)| *name).chain([LEAD]);
        Self(names.map(|name| (name, draw())).collect())
    }

    pub(super) fn of(&self, name: &str) -> Zeroizing<String> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// Four groups of five easy letters: more than 90 bits.
fn draw() -> Zeroizing<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let bytes: [u8; 20] = random_bytes();
    let mut drawn = Zeroizing::new(String::with_capacity(24));
    for (at, byte) in bytes.into_iter().enumerate() {
        if at > 0 && at % 5 == 0 {
            drawn.push('-');
        }
        drawn.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    drawn
}

/// Lets everybody in and puts the firm to work.
pub(super) async fn people(
    data: &Path,
    gateway: &Gateway,
    founded: &Outcome,
    passphrases: &Passphrases,
) -> Result<Record, Error> {
    let ca = data.join(CERTS).join("ca.pem");
    let here = format!("https://{}", gateway.local_addr());
    let profile = |name: &str| data.join("profiles").join(name);
    let lead = Person::new(&profile(LEAD), &ca);
    move_profile(lead.profile(), &here)?;
    let mut rehearse = ["recover", "--rehearse", "--shares"].map(OsStr::new).to_vec();
    rehearse.extend(founded.shares.iter().take(2).map(|share| share.as_os_str()));
    lead.run(&rehearse, None).await?;

    let mut clients: BTreeMap<String, ClientId> = BTreeMap::new();
    for (name, title, _) in CLIENTS {
        let id = text(&say(&lead, &["client", "add", title]).await?, "client")?;
        let bad = |e: ParseIdError| Error::because("internal", ("编号无效", "a bad id"), &e);
        clients.insert((*name).to_owned(), id.parse().map_err(bad)?);
    }
    let client_id = |name: &str| clients.get(name).map(ToString::to_string).unwrap_or_default();
    let mut invited = Vec::new();
    for (name, role, title, client) in PEOPLE {
        let client = client.map(client_id);
        let mut words = vec!["invite", "--role", role];
        words.extend(client.iter().flat_map(|client| ["--client", client]));
        let link = text(&say(&lead, &words).await?, "url")?;
        let gateway = link.split("/i/").next().unwrap_or(&here).to_owned();
        invited.push((*name, *title, on(&link, &here), gateway));
    }
    let members: BTreeMap<&str, String> = stream::iter(invited)
        .map(|(name, title, link, gateway)| {
            let person = Person::new(&profile(name), &ca);
            // Link and passphrase go in by standard input: arguments can be seen by others.
            let input = Zeroizing::new(format!("{link}\n{}\n", passphrases.of(name).as_str()));
            async move {
                let words =
                    ["join", "-", "--login", name, "--name", title, "--passphrase-file", "-"];
                let kit = ["--kit-gateway", &gateway];
                let words: Vec<_> = words.iter().chain(&kit).map(OsStr::new).collect();
                let joined = person.run(&words, Some(&input)).await?;
                Ok::<_, Error>((name, text(&joined, "member")?))
            }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    for (name, _, accountant) in CLIENTS {
        let member = members.get(accountant).map(String::as_str).unwrap_or_default();
        say(&lead, &["assign", "--client", &client_id(name), "--to", member]).await?;
    }
    let first = client_id("principal");
    say(&lead, &["policy", "--client", &first, "--on-arrival", "yes"]).await?;
    let accountant = Person::new(&profile("accountant"), &ca);
    let door = say(&accountant, &["request", "--client", &first, "--on-arrival"]).await?;
    let mut partner = vec!["partner", "add"];
    partner.extend(PARTNER);
    let partner = text(&say(&lead, &partner).await?, "partner")?;
    let link = say(&accountant, &["request", "--client", &first]).await?;

    let names = || PEOPLE.iter().map(|(name, ..)| *name).chain([LEAD]);
    Ok(Record {
        ready: true,
        url: here,
        ca,
        metrics: String::new(),
        profiles: names().map(|name| (name.to_owned(), profile(name))).collect(),
        accounts: names()
            .map(|name| {
                let passphrase = passphrases.of(name).to_string();
                (name.to_owned(), Account { login: name.to_owned(), passphrase })
            })
            .collect(),
        clients,
        recovery_shares: founded.shares.clone(),
        on_arrival_url: text(&door, "url")?,
        partner,
        request_link: text(&link, "url")?,
    })
}

async fn say(person: &Person, words: &[&str]) -> Result<serde_json::Value, Error> {
    let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    person.run(&words, None).await
}

fn move_profile(profile: &Path, url: &str) -> Result<(), Error> {
    let person = |e: crate::cli::Error| Error::from_person(&e);
    let opened = crate::cli::profile::Profile::open(profile).map_err(person)?;
    opened.relocate(url).map_err(person).map(drop)
}

/// The link as it leads to `origin`: links name the public address, and this gateway runs on
/// another one while the demo is being made.
fn on(link: &str, origin: &str) -> String {
    match link.split_once("/i/") {
        Some((_, rest)) => format!("{origin}/i/{rest}"),
        None => link.to_owned(),
    }
}
