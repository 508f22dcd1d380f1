//! Routes of the audit log: proofs for receipts, the head, tiles (C2SP tlog-tiles), and who saw
//! a client's documents.

mod checkpoint;
mod head;
mod proof;
mod tile;
mod who_saw;

use axum::extract::FromRef;
use http::StatusCode;

use crate::api;
use crate::audit;
use crate::envelope::statement::Hash;
use crate::store::{self, Store, Tx};

use super::policy::{OVERSEERS, PEOPLE, WATCHERS};
use super::{Policy, Problem, Relation, Routes, operation};

/// The routes.
pub fn routes<S>() -> Routes<S>
where
    S: Clone + Send + Sync + 'static,
    Store: FromRef<S>,
{
    let ok = StatusCode::OK;
    Routes::new()
        .get(
            "/api/v1/log/proofs/{leaf}",
            // A leaf is 32 bytes that nobody guesses: whoever has one has a receipt.
            Policy::Token,
            operation("log.proof", "Whether the entry that a receipt promises is in the log.")
                .path_param("leaf", "The receipt's entry.")
                .query::<proof::Query>()
                .answers_json::<api::LogProof>(ok, "The proof, once there is one."),
            proof::proof,
        )
        .get(
            "/api/v1/log/head",
            Policy::session(PEOPLE, Relation::Firm),
            operation("log.head", "The newest checkpoint, and how it grew out of an earlier one.")
                .query::<proof::Query>()
                .answers_json::<api::LogHead>(ok, "The head."),
            head::head,
        )
        .get(
            "/api/v1/log/checkpoint",
            Policy::session(OVERSEERS, Relation::Firm),
            operation("log.checkpoint", "The newest checkpoint (C2SP tlog-checkpoint).")
                .answers_bytes(ok, checkpoint::MEDIA_TYPE, "The signed note."),
            checkpoint::checkpoint,
        )
        .get(
            "/api/v1/log/tile/{*tile}",
            Policy::session(OVERSEERS, Relation::Firm),
            operation("log.tile", "A tile of hashes, or a bundle of entries (C2SP tlog-tiles).")
                .path_param("tile", "`L/N`, `L/N.p/W`, `entries/N` or `entries/N.p/W`.")
                .answers_bytes(ok, tile::MEDIA_TYPE, "The tile."),
            tile::tile,
        )
        .get(
            "/api/v1/clients/{client}/seen",
            Policy::session(WATCHERS, Relation::Client),
            operation("clients.seen", "Who did, or tried to do, what with a client's documents.")
                .path_param("client", "The client's id.")
                .query::<who_saw::Query>()
                .answers_json::<api::SeenPage>(ok, "A page, newest first."),
            who_saw::who_saw,
        )
}

/// The newest checkpoint, with its consistency proof from `since` entries, and the newest one
/// that `witness` cosigned.
async fn head_since(
    tx: &mut Tx,
    since: u64,
    witness: Option<&str>,
) -> Result<api::LogHead, Problem> {
    let Some((head, note)) = audit::head(tx).await? else {
        let consistency = (since == 0).then(Vec::new);
        return Ok(api::LogHead { checkpoint: None, consistency, cosigned: None });
    };
    let hashes = |proof: Vec<crate::merkle::Digest>| proof.into_iter().map(Hash).collect();
    let consistency = audit::consistency(tx, since, head.size).await?.map(hashes);
    let mut cosigned = None;
    if let Some(witness) = witness
        && let Some((older, note)) = audit::cosigned(tx, witness).await?
    {
        let proof = audit::consistency(tx, older.size, head.size).await?.unwrap_or_default();
        cosigned = Some(api::Cosigned { checkpoint: note.to_string(), consistency: hashes(proof) });
    }
    Ok(api::LogHead { checkpoint: Some(note.to_string()), consistency, cosigned })
}

/// What does not exist is [`Problem::not_found`]; what is damaged is ours to look into.
fn told(error: store::Error) -> Problem {
    error.into()
}
