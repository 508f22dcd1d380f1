//! `GET /log/proofs/{leaf}`

use axum::extract::State;
use serde::Deserialize;

use crate::api::LogProof;
use crate::audit;
use crate::envelope::statement::{Card, Hash, Note, Role};
use crate::http::{Json, Path, Problem, Query as QueryOf};
use crate::store::{Store, Tx};

/// Which earlier log.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Query {
    /// Entries of a checkpoint that was seen before.
    #[serde(default)]
    pub(super) since: u64,
    /// The name of a witness whose cosignature is wanted.
    pub(super) witness: Option<String>,
}

pub(super) async fn proof(
    State(store): State<Store>,
    Path(leaf): Path<Hash>,
    QueryOf(query): QueryOf<Query>,
) -> Result<Json<LogProof>, Problem> {
    let mut tx = store.read().await?;
    let witness = query.witness.as_deref();
    let under = match witness {
        Some(witness) => audit::cosigned(&mut tx, witness).await?,
        None => audit::head(&mut tx).await?,
    };
    let entry = tx.text_of(&leaf).await?.ok_or_else(Problem::not_found)?;
    let proof = audit::inclusion(&mut tx, &leaf, under).await.map_err(super::told)?;
    let head = super::head_since(&mut tx, query.since, witness).await?;
    Ok(Json(LogProof {
        entry,
        included: proof.is_some(),
        proof: proof.map(|proof| proof.to_string()),
        head,
        cards: cards(&mut tx).await?,
    }))
}

/// Cards of the keys that sign receipts and checkpoints.
async fn cards(tx: &mut Tx) -> Result<Vec<Note>, Problem> {
    let is_ours = |note: &Note| {
        note.decode::<Card>()
            .is_ok_and(|card| matches!(card.role, Role::GatewayReceipt | Role::GatewayLog))
    };
    let statements = tx.directory_statements(None).await?;
    Ok(statements.into_iter().filter(is_ours).collect())
}
