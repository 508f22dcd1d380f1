//! As whom a sender speaks to the gateway: in the name of a profile, or with the token of a
//! request link, which opens a few routes of its own and nothing else.

use std::time::Duration;

use http::Response;
use http::header::{AUTHORIZATION, HeaderValue};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::{Ask, Body, Gateway, Session, accept, read_json};
use crate::cli::error::Error;
use crate::cli::words::Word;
use crate::secrets::Secret;

/// As whom one speaks.
#[derive(Debug)]
pub enum Line {
    /// A profile's session.
    Session(Box<Session>),
    /// The holder of a request link.
    Link(Box<LinkLine>),
}

/// A request link's token and the gateway it is good at.
#[derive(Debug)]
pub struct LinkLine {
    gateway: Gateway,
    /// Marked as sensitive, so that it is never shown.
    authorization: HeaderValue,
}

impl LinkLine {
    /// Speaks to `gateway` with a link's `token`.
    ///
    /// # Errors
    /// [`Word::BadLink`].
    pub fn new(gateway: Gateway, token: &Secret<32>) -> Result<Self, Error> {
        let text = zeroize::Zeroizing::new(format!("Strongroom-Link {}", *token.to_base64url()));
        let mut authorization =
            HeaderValue::from_str(&text).map_err(|_| Error::new(Word::BadLink))?;
        authorization.set_sensitive(true);
        Ok(Self { gateway, authorization })
    }

    /// `ask` on the routes of links.
    fn dressed(&self, ask: &Ask) -> Ask {
        let mut dressed = ask.clone();
        dressed.path = format!("/link{}", ask.path);
        dressed.with(AUTHORIZATION, self.authorization.clone())
    }

    /// GET of JSON.
    ///
    /// # Errors
    /// As [`Gateway::json`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.gateway.json(&self.dressed(&Ask::get(path)), None).await
    }
}

impl Line {
    /// The gateway's address.
    pub fn origin(&self) -> &str {
        match self {
            Self::Session(session) => session.gateway().origin(),
            Self::Link(link) => link.gateway.origin(),
        }
    }

    /// Sends a request that may be sent twice and returns the answer when it is a success.
    ///
    /// # Errors
    /// As [`Gateway::answer`].
    pub async fn answer(&self, ask: &Ask) -> Result<Response<Incoming>, Error> {
        match self {
            Self::Session(session) => session.answer(ask).await,
            Self::Link(link) => link.gateway.answer(&link.dressed(ask), None).await,
        }
    }

    /// Sends a streamed body once; refusals are errors, broken connections too.
    ///
    /// # Errors
    /// As [`Gateway::exchange`], and what the gateway refuses with.
    pub async fn stream(
        &self,
        ask: &Ask,
        body: Body,
        deadline: Duration,
    ) -> Result<Response<Incoming>, Error> {
        match self {
            Self::Session(session) => session.stream(ask, body, deadline).await,
            Self::Link(link) => {
                accept(link.gateway.exchange(&link.dressed(ask), None, body, deadline).await?).await
            }
        }
    }

    /// Asks and reads the JSON of the answer.
    ///
    /// # Errors
    /// As [`Line::answer`], and [`Word::BadAnswer`].
    pub async fn json<T: DeserializeOwned>(&self, ask: &Ask) -> Result<T, Error> {
        read_json(self.answer(ask).await?).await
    }
}
