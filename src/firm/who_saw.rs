//! Who saw a client's documents: every entry of the audit log that concerns the client, as its
//! principal and the firm's overseers read it. There is no switch to leave one out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::access::Action;
use crate::api::{Seen, SeenPage};
use crate::envelope::statement::{Entry, Statement};
use crate::ids::{ClientId, MemberId};
use crate::store::{self, LogRow, Tx};

use super::{Actor, Error, permit};

/// Entries of one page.
const PAGE: i64 = 200;

/// A page of what was done with what is `client`'s, newest first, before the entry `before`.
pub async fn who_saw(
    tx: &mut Tx,
    actor: Actor,
    client: ClientId,
    before: Option<i64>,
) -> Result<SeenPage, Error> {
    permit(tx, actor, Action::SeeWhoSaw, Some(client)).await?;
    let rows = tx.newest_of_client(client, before, PAGE).await?;
    let next = rows.last().filter(|_| rows.len() as i64 == PAGE).map(|row| row.id.to_string());
    let mut known = BTreeMap::new();
    let mut seen = Vec::with_capacity(rows.len());
    for row in rows {
        seen.push(read(tx, row, &mut known).await?);
    }
    Ok(SeenPage { seen, next })
}

/// Names and roles of members that were looked up.
type Known = BTreeMap<MemberId, Option<(String, String)>>;

async fn read(tx: &mut Tx, row: LogRow, known: &mut Known) -> Result<Seen, Error> {
    let entry = Entry::from_text(&row.text)
        .map_err(|_| Error::Store(store::Error::Corrupt("entries.text")))?;
    let data = row.data.as_ref().and_then(|(_, data)| serde_json::from_str::<Value>(data).ok());
    let mut detail = match data {
        Some(Value::Object(data)) => data,
        _ => Map::new(),
    };
    let member: Option<MemberId> =
        entry.actor.as_ref().and_then(|actor| actor.to_string().parse().ok());
    let person = match member {
        Some(member) => person(tx, member, known).await?,
        None => None,
    };
    let (name, role_now) = person.unzip();
    // What was noted then comes first; where that is erased, what they are now.
    let role = text(&mut detail, "role").or(role_now);
    let purpose = text(&mut detail, "purpose");
    let action = entry.action.to_string();
    let object = entry.object.map(|object| object.to_string());
    let is_document = action.starts_with("document.") || action == crate::audit::REFUSED;
    let document = object.as_deref().filter(|_| is_document).and_then(|object| object.parse().ok());
    Ok(Seen {
        at: entry.time,
        member,
        name,
        role,
        action,
        document,
        purpose,
        object,
        detail,
        entry: row.text,
        index: row.position,
    })
}

async fn person(
    tx: &mut Tx,
    member: MemberId,
    known: &mut Known,
) -> Result<Option<(String, String)>, Error> {
    if let Some(person) = known.get(&member) {
        return Ok(person.clone());
    }
    let person = match tx.member(member).await {
        Ok(row) => Some((row.name.clone(), row.role.to_string())),
        Err(store::Error::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    known.insert(member, person.clone());
    Ok(person)
}

fn text(detail: &mut Map<String, Value>, key: &str) -> Option<String> {
    match detail.remove(key) {
        Some(Value::String(text)) => Some(text),
        Some(other) => {
            detail.insert(key.to_owned(), other);
            None
        }
        None => None,
    }
}
