//! `GET /log/tile/…`: tiles of hashes and bundles of entries. A partial tile is served for any
//! width that the tree once had.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

use crate::http::{Path, Problem};
use crate::merkle::{TILE_HASHES, Tile, bundle_entry};
use crate::store::{Store, Tx};

/// The media type of tiles and bundles.
pub(super) const MEDIA_TYPE: &str = "application/octet-stream";

pub(super) async fn tile(
    State(store): State<Store>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let mut tx = store.read().await?;
    let (head, _) = crate::audit::head(&mut tx).await?.ok_or_else(Problem::not_found)?;
    let entries = path.strip_prefix("entries/");
    let asked = match entries {
        Some(path) => Tile::parse_bundle(path),
        None => Tile::parse(&path),
    };
    let tile = asked.map_err(|_| Problem::not_found())?;
    let there = Tile::in_tree(tile.level, tile.index, head.size);
    if there.is_none_or(|there| there.width < tile.width) {
        return Err(Problem::not_found());
    }
    let bytes = if entries.is_some() {
        bundle(&mut tx, tile).await?
    } else {
        hashes(&mut tx, tile).await?
    };
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], bytes).into_response())
}

async fn hashes(tx: &mut Tx, tile: Tile) -> Result<Vec<u8>, Problem> {
    let found = tx.tiles(tile.level, tile.index, tile.index).await?.pop();
    let (_, _, mut hashes) = found.ok_or_else(Problem::not_found)?;
    hashes.truncate(usize::from(tile.width) * 32);
    Ok(hashes)
}

async fn bundle(tx: &mut Tx, tile: Tile) -> Result<Vec<u8>, Problem> {
    let texts = tx.texts_at(tile.index * TILE_HASHES, tile.width.into()).await?;
    let mut bundle = Vec::new();
    for text in &texts {
        if !bundle_entry(&mut bundle, text.as_bytes()) {
            return Err(Problem::internal(&crate::store::Error::Corrupt("entries.text")));
        }
    }
    Ok(bundle)
}
