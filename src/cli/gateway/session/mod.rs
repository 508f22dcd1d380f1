//! Requests in the name of a profile: with its access token, and with new tokens when the old
//! ones have ended.
//!
//! Invariant: tokens are fetched by one command at a time, behind the profile's lock, and
//! whoever waited uses what was fetched meanwhile: a refresh token is never used twice.

use std::time::Duration;

use http::{Response, StatusCode};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use crate::api::{Refresh, Tokens};
use crate::clock::Clock;

use super::{Ask, Body, Gateway, accept, read_json};
use crate::cli::error::Error;
use crate::cli::profile::{Profile, StoredTokens};
use crate::cli::words::Word;

/// A logged-in profile and its gateway.
#[derive(Debug)]
pub struct Session {
    gateway: Gateway,
    profile: Profile,
    clock: Clock,
    tokens: Mutex<Option<StoredTokens>>,
}

impl Session {
    /// The session of `profile`; `ca` (PEM) stands in for the profile's own.
    ///
    /// # Errors
    /// As [`Gateway::at`].
    pub fn open(profile: Profile, ca: Option<&[u8]>, clock: Clock) -> Result<Self, Error> {
        let pinned = profile.ca()?;
        let gateway = Gateway::at(&profile.info().gateway, ca.or(pinned.as_deref()))?;
        Ok(Self { gateway, profile, clock, tokens: Mutex::new(None) })
    }

    /// Whose session.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The gateway.
    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// An access token that is not `refused` and has not ended.
    async fn access_token(&self, refused: Option<&str>) -> Result<String, Error> {
        let mut held = self.tokens.lock().await;
        // The time anew for each: others may have stored newer tokens while this one waited.
        let usable = |stored: &StoredTokens| {
            stored.is_fresh(self.clock.now())
                && refused != Some(stored.tokens.access_token.as_str())
        };
        if let Some(stored) = held.as_ref().filter(|s| usable(s)) {
            return Ok(stored.tokens.access_token.clone());
        }
        if let Some(stored) = self.profile.tokens()?.filter(|s| usable(s)) {
            let token = stored.tokens.access_token.clone();
            *held = Some(stored);
            return Ok(token);
        }
        let _turn = self.profile.token_turn().await?;
        let stored = self.profile.tokens()?.ok_or_else(|| Error::new(Word::LoggedOut))?;
        let stored = if usable(&stored) { stored } else { self.refresh(stored).await? };
        let token = stored.tokens.access_token.clone();
        *held = Some(stored);
        Ok(token)
    }

    /// Asks for the next tokens and stores them before anybody uses them.
    async fn refresh(&self, stored: StoredTokens) -> Result<StoredTokens, Error> {
        let refresh = Refresh { refresh_token: stored.tokens.refresh_token };
        let ask = Ask::post("/session/refresh", &refresh)?;
        let tokens: Tokens = self.gateway.json(&ask, None).await?;
        let stored = StoredTokens::new(tokens, self.clock.now());
        self.profile.store_tokens(&stored)?;
        Ok(stored)
    }

    /// Sends a request that may be sent twice and returns the answer when it is a success.
    ///
    /// # Errors
    /// As [`Gateway::answer`]; [`Word::LoggedOut`].
    pub async fn answer(&self, ask: &Ask) -> Result<Response<Incoming>, Error> {
        let token = self.access_token(None).await?;
        match self.gateway.answer(ask, Some(&token)).await {
            Err(error) if error.word() == Word::LoggedOut => {
                let token = self.access_token(Some(&token)).await?;
                self.gateway.answer(ask, Some(&token)).await
            }
            other => other,
        }
    }

    /// Sends a streamed body once; refusals are errors, broken connections too. After
    /// [`Word::LoggedOut`] the next request fetches new tokens.
    ///
    /// # Errors
    /// As [`Gateway::exchange`], and what the gateway refuses with.
    pub async fn stream(
        &self,
        ask: &Ask,
        body: Body,
        deadline: Duration,
    ) -> Result<Response<Incoming>, Error> {
        let token = self.access_token(None).await?;
        let response = self.gateway.exchange(ask, Some(&token), body, deadline).await?;
        if response.status() == StatusCode::UNAUTHORIZED {
            // Try once more with a token that the gateway has not refused.
            self.access_token(Some(&token)).await?;
            return Err(Error::new(Word::Unavailable).because("the session was renewed"));
        }
        accept(response).await
    }

    /// Asks and reads the JSON of the answer.
    ///
    /// # Errors
    /// As [`Session::answer`], and [`Word::BadAnswer`].
    pub async fn json<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Error> {
        read_json(self.answer(ask).await?).await
    }

    /// GET.
    ///
    /// # Errors
    /// As [`Session::json`].
    pub async fn get<T: DeserializeOwned>(&self, path: impl Into<String>) -> Result<T, Error> {
        self.json(&Ask::get(path)).await
    }

    /// POST of JSON, answered by JSON.
    ///
    /// # Errors
    /// As [`Session::json`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: impl Into<String>,
        value: &impl Serialize,
    ) -> Result<T, Error> {
        self.json(&Ask::post(path, value)?).await
    }
}

#[cfg(test)]
mod tests;
