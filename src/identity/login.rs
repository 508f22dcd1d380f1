//! Logging in by passphrase (OPAQUE, RFC 9807) or by recovery kit.
//!
//! Every answer is the same for a name that does not exist, a member that was ended, a wrong
//! passphrase and a wrong kit. A try is counted before it is evaluated: with OPAQUE the first
//! answer already tells a guesser whether the guess was right.

use std::net::IpAddr;

use subtle::ConstantTimeEq;

use crate::api::{Base64, KitLogin, LoginFinish, LoginStart, LoginStarted, SessionOpened};
use crate::audit::{self, Event};
use crate::clock::Timestamp;
use crate::envelope::keyring::Unlock;
use crate::envelope::statement::Hash;
use crate::ids::SessionId;
use crate::opaque;
use crate::secrets::Secret;
use crate::store::{self, LoginAttempt, MemberRow, Store, Tx};
use crate::trust::fragment::token_hash;

use super::throttle::Door;
use super::{Error, Identity, name};

/// A login that is begun must be finished within so many seconds.
const ATTEMPT_SECS: i64 = 120;

fn unauthorized(error: store::Error) -> Error {
    match error {
        store::Error::NotFound => Error::Unauthorized,
        other => other.into(),
    }
}

/// The member with this login name, unless there is none or they were ended.
async fn active_member(tx: &mut Tx, login: Option<&str>) -> Result<Option<MemberRow>, Error> {
    // A name that cannot be is looked up all the same, so that it takes as long.
    match tx.member_by_login(login.unwrap_or_default()).await {
        Ok(member) => Ok(Some(member).filter(|member| member.active)),
        Err(store::Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Identity {
    /// Begins a login by passphrase.
    pub async fn start_login(
        &self,
        store: &Store,
        start: &LoginStart,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<LoginStarted, Error> {
        let login = name::login(&start.login);
        let spoken = login.as_deref().unwrap_or(&start.login);
        let mut tx = store.write().await?;
        let throttle = self.throttle_subject(Door::Passphrase, spoken);
        self.count_try(&mut tx, throttle, peer, now).await?;
        let invented = self.invented_member(spoken);
        let known = active_member(&mut tx, login.as_deref()).await?;
        let member = known.as_ref().map_or(invented, |member| member.id);
        let file = known.as_ref().and_then(|member| member.password_file.as_deref());
        let (state, response) =
            opaque::server_login_start(&self.keys.setup, member, file, &start.request.0)
                .map_err(|_| Error::Unacceptable("The credential request is not one."))?;
        let attempt = LoginAttempt {
            id: SessionId::random(),
            member,
            state: state.to_vec(),
            throttle,
            expires_at: now.plus_secs(ATTEMPT_SECS),
        };
        tx.insert_login_attempt(&attempt).await?;
        tx.commit().await?;
        Ok(LoginStarted { attempt: attempt.id, member, response: Base64(response) })
    }

    /// Ends a login by passphrase: opens a session.
    pub async fn finish_login(
        &self,
        store: &Store,
        finish: &LoginFinish,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<SessionOpened, Error> {
        let device = name::device(&finish.device)?;
        let mut tx = store.write().await?;
        let attempt = tx.take_login_attempt(finish.attempt, now).await.map_err(unauthorized)?;
        if opaque::server_login_finish(&attempt.state, &finish.finalization.0).is_err() {
            // It is used up all the same: one KE2, one try.
            tx.commit().await?;
            return Err(Error::Unauthorized);
        }
        let member = tx.member(attempt.member).await.map_err(unauthorized)?;
        if !member.active {
            return Err(Error::Unauthorized);
        }
        self.forgive(&mut tx, attempt.throttle, peer, 1).await?;
        let opened = self.enter(&mut tx, member, device, Unlock::Opaque, now).await?;
        tx.commit().await?;
        Ok(opened)
    }

    /// Logs in with the recovery kit.
    pub async fn login_by_kit(
        &self,
        store: &Store,
        kit: &KitLogin,
        peer: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<SessionOpened, Error> {
        let device = name::device(&kit.device)?;
        let login = name::login(&kit.login);
        let spoken = login.as_deref().unwrap_or(&kit.login);
        let throttle = self.throttle_subject(Door::Kit, spoken);
        let mut tx = store.write().await?;
        self.count_try(&mut tx, throttle, peer, now).await?;
        let known = active_member(&mut tx, login.as_deref()).await?;
        // Compared with something in any case, in constant time.
        let expected = known.as_ref().map_or(Hash([0; 32]), |member| member.kit_token_hash);
        let shown = Secret::<32>::from_base64url(&kit.token)
            .map_or(Hash([0xff; 32]), |token| token_hash(&token));
        let agrees = bool::from(shown.0.ct_eq(&expected.0));
        let Some(member) = known.filter(|_| agrees) else {
            tx.commit().await?;
            return Err(Error::Unauthorized);
        };
        self.forgive(&mut tx, throttle, peer, 1).await?;
        // Asking for the member id counted as a try by passphrase.
        let asked = self.throttle_subject(Door::Passphrase, spoken);
        self.forgive(&mut tx, asked, peer, 1).await?;
        let opened = self.enter(&mut tx, member, device, Unlock::Kit, now).await?;
        tx.commit().await?;
        Ok(opened)
    }

    async fn enter(
        &self,
        tx: &mut Tx,
        member: MemberRow,
        device: String,
        unlock: Unlock,
        now: Timestamp,
    ) -> Result<SessionOpened, Error> {
        let (id, role) = (member.id, member.role);
        let opened = self.open(tx, member, device, Some(unlock), now).await?;
        let event = Event::new("session.open").by(id).object(opened.session);
        let event = event.with("role", role.as_str()).with("proof", unlock.as_str());
        audit::append(tx, now, event).await?;
        Ok(opened)
    }
}
