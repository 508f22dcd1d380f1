//! What the tests of the gateway share: a server with a certificate of its own, and a client
//! that speaks TLS to it as slowly, wrongly or quickly as a test wants.

pub(crate) mod alone;
pub(crate) mod books;
pub(crate) mod curl;
pub(crate) mod demo;
pub(crate) mod gateway;
pub(crate) mod liar;
pub(crate) mod office;
pub(crate) mod papers;
pub(crate) mod proxy;
pub(crate) mod share_client;
pub(crate) mod small;
pub(crate) mod tls;
pub(crate) mod traces;
