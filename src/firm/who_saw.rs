//! Who saw a client's documents: every entry of the audit log that concerns the client, as its
//! principal and the firm's overseers read it. There is no switch to leave one out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::access::Action;
use crate::api::{Base64, Noted, Seen, SeenPage};
use crate::envelope::statement::{Entry, Share, Statement};
use crate::ids::{ClientId, MemberId};
use crate::store::{self, LogRow, Tx};

use super::{Actor, Error, permit};

/// The role of whoever fetches a share.
const PARTNER: &str = "partner";

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
    let action = entry.action.to_string();
    let object = entry.object.map(|object| object.to_string());
    let of_share = action.starts_with("share.");
    // What was noted then comes first; where that is erased, what they are now. Whoever
    // fetches a share or gives back into it has no account.
    let gave_back =
        member.is_none() && action.starts_with("document.") && detail.contains_key("share");
    let guest = ((of_share && member.is_none()) || gave_back).then(|| PARTNER.to_owned());
    let role = text(&mut detail, "role").or(role_now).or(guest);
    let mut purpose = text(&mut detail, "purpose");
    if (of_share || gave_back) && purpose.is_none() {
        let share = detail.get("share").and_then(Value::as_str).or(object.as_deref());
        purpose = purpose_of(tx, share).await?;
    }
    let tried_on_share = detail
        .get("tried")
        .and_then(Value::as_str)
        .is_some_and(|tried| tried.starts_with("shares."));
    let is_document = action.starts_with("document.")
        || action == "share.fetch"
        || (action == crate::audit::REFUSED && !tried_on_share);
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
        noted: row.data.map(|(salt, data)| Noted { salt: Base64(salt), data }),
        index: row.position,
    })
}

/// What a share is for, as its signed statement says.
async fn purpose_of(tx: &mut Tx, share: Option<&str>) -> Result<Option<String>, Error> {
    let Some(Ok(share)) = share.map(str::parse) else { return Ok(None) };
    match tx.share(share).await {
        Ok(row) => Ok(row.note.decode::<Share>().ok().map(|share| share.purpose.to_string())),
        Err(store::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
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
