//! Sessions: opened by a join or a login, renewed by refresh tokens, ended by their owner, by
//! time, or because a token was used that had been replaced.

use crate::api::{SessionInfo, Tokens};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::statement::Role;
use crate::ids::{MemberId, SessionId};
use crate::store::{self, SessionRow, Store, Tx};

use super::token::RefreshToken;
use super::{Error, Identity};

/// A session nobody has renewed for so long ends, in seconds.
const IDLE_SECS: i64 = 90 * 24 * 3600;

/// What ended so long ago is forgotten, in seconds.
const MEMORY_SECS: i64 = 30 * 24 * 3600;

/// For so long after a renewal the token before still gets the same successor: answers get
/// lost.
const OVERLAP_SECS: i64 = 30;

/// A session proven by its access token, with what its member is at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proven {
    /// The session.
    pub session: SessionId,
    /// Its member.
    pub member: MemberId,
    /// Their role now.
    pub role: Role,
    /// Whether the key of their newest card was revoked.
    pub key_revoked: bool,
}

impl Identity {
    /// The session that an access token proves, if it is still open. Rights are read here, on
    /// every request.
    pub async fn prove(
        &self,
        store: &Store,
        access_token: &str,
        now: Timestamp,
    ) -> Result<Proven, Error> {
        let session = self.keys.access.session(access_token, now).ok_or(Error::Unauthorized)?;
        let mut tx = store.glance().await?;
        match tx.session_member(session, now).await {
            Ok((member, role, key_revoked)) => Ok(Proven { session, member, role, key_revoked }),
            Err(store::Error::NotFound) => Err(Error::Unauthorized),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a session of `member` on `device` (a name that can be shown).
    pub(super) async fn open_session(
        &self,
        tx: &mut Tx,
        member: MemberId,
        device: String,
        now: Timestamp,
    ) -> Result<(SessionId, Tokens), Error> {
        tx.purge_sessions(now.plus_secs(-MEMORY_SECS)).await?;
        let token = RefreshToken { session: SessionId::random(), generation: 0 };
        tx.insert_session(&SessionRow {
            id: token.session,
            member,
            device,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus_secs(IDLE_SECS),
            generation: token.generation,
            refresh_hash: self.keys.refresh.hash(token),
            previous_until: now,
        })
        .await?;
        Ok((token.session, self.tokens(token, now)))
    }

    fn tokens(&self, refresh: RefreshToken, now: Timestamp) -> Tokens {
        let (access_token, access_expires_at) = self.keys.access.issue(refresh.session, now);
        let refresh_token = self.keys.refresh.text(refresh);
        Tokens { access_token, access_expires_at, refresh_token }
    }

    /// The next pair of tokens. The token before the newest gets the same successor for 30
    /// seconds, while that has not been used; any other that was replaced ends the session,
    /// because two hold what one should.
    pub async fn refresh(
        &self,
        store: &Store,
        refresh_token: &str,
        now: Timestamp,
    ) -> Result<Tokens, Error> {
        let token = self.keys.refresh.read(refresh_token).ok_or(Error::Unauthorized)?;
        let mut tx = store.write().await?;
        let session = match tx.session(token.session, now).await {
            Ok(session) => session,
            Err(store::Error::NotFound) => return Err(Error::Unauthorized),
            Err(error) => return Err(error.into()),
        };
        match Standing::of(token.generation, &session, now) {
            Standing::Newest if self.keys.refresh.hash(token) == session.refresh_hash => {
                let next = RefreshToken { generation: token.generation + 1, ..token };
                let row = SessionRow {
                    generation: next.generation,
                    refresh_hash: self.keys.refresh.hash(next),
                    previous_until: now.plus_secs(OVERLAP_SECS),
                    last_seen_at: now,
                    expires_at: now.plus_secs(IDLE_SECS),
                    ..session
                };
                if !tx.advance_session(&row).await? {
                    return Err(Error::Unauthorized);
                }
                tx.commit().await?;
                Ok(self.tokens(next, now))
            }
            Standing::JustReplaced => {
                Ok(self.tokens(RefreshToken { generation: session.generation, ..token }, now))
            }
            Standing::Replaced => {
                end(&mut tx, session.member, session.id, "session.reuse", now).await?;
                tx.commit().await?;
                Err(Error::Unauthorized)
            }
            // A number that has not been given yet: this database was restored from before.
            Standing::Newest | Standing::Unknown => Err(Error::Unauthorized),
        }
    }

    /// The open sessions of `member`, the newest first; `current` is the one that asks.
    pub async fn sessions(
        &self,
        tx: &mut Tx,
        member: MemberId,
        current: SessionId,
        now: Timestamp,
    ) -> Result<Vec<SessionInfo>, Error> {
        let rows = tx.sessions(member, now).await?;
        Ok(rows
            .into_iter()
            .map(|row| SessionInfo {
                session: row.id,
                device: row.device,
                created_at: row.created_at,
                last_seen_at: row.last_seen_at,
                current: row.id == current,
            })
            .collect())
    }

    /// Ends an open session of `member`; [`Error::NotFound`] for anybody else's.
    pub async fn end_session(
        &self,
        tx: &mut Tx,
        member: MemberId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<(), Error> {
        end(tx, member, session, "session.end", now).await
    }
}

async fn end(
    tx: &mut Tx,
    member: MemberId,
    session: SessionId,
    action: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    if !tx.end_session(session, member, now).await? {
        return Err(Error::NotFound);
    }
    audit::append(tx, now, Event::new(action).by(member).object(session)).await?;
    Ok(())
}

/// Where a genuine refresh token stands among those of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Newest,
    JustReplaced,
    Replaced,
    Unknown,
}

impl Standing {
    fn of(generation: u64, session: &SessionRow, now: Timestamp) -> Self {
        if generation == session.generation {
            Self::Newest
        } else if generation > session.generation {
            Self::Unknown
        } else if generation + 1 == session.generation && now < session.previous_until {
            Self::JustReplaced
        } else {
            Self::Replaced
        }
    }
}
