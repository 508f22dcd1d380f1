//! The client that both peers of the gateway's benchmark share. Reads one command a line,
//! answers each with one line of JSON. Everything that only a sender has to do (sealing,
//! hashing, signing) is done before the clock runs.
//!
//! ```text
//! load PROFILE NGINX_ORIGIN
//! up gateway BYTES | up nginx BYTES | down gateway | down nginx | forget
//! small gateway COUNT BYTES | small nginx COUNT BYTES
//! ```

mod sender;
mod wire;

use std::future::Future;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use strongroom::api::frames;
use strongroom::api::uploads;

use sender::{Payload, Sender};
use wire::{Body, Line, Peer};

/// Keep-alive connections of the small documents.
const LINES: usize = 32;

struct Load {
    sender: Sender,
    gateway: Arc<Peer>,
    nginx: Arc<Peer>,
    big: Option<Payload>,
    /// Path of what was last sent to each.
    document: String,
    file: String,
    files: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(profile), Some(nginx)) = (arguments.next(), arguments.next()) else {
        return Err(io::Error::other("load PROFILE NGINX_ORIGIN"));
    };
    let sender = Sender::open(profile.as_ref()).await?;
    if sender.chains.len() < LINES {
        return Err(io::Error::other(format!("the profile needs {LINES} clients")));
    }
    let ca = sender.session.profile().ca().map_err(|e| io::Error::other(format!("{e:?}")))?;
    let ca = ca.ok_or_else(|| io::Error::other("the profile pins no CA"))?;
    let gateway = Arc::new(Peer::new(sender.session.gateway().origin(), &ca)?);
    let nginx = Arc::new(Peer::new(&nginx, &ca)?);
    let (document, file) = (String::new(), String::new());
    let mut load = Load { sender, gateway, nginx, big: None, document, file, files: 0 };
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|w| w.parse().ok()).unwrap_or_default();
        let answer = match (words[0], words.get(1).copied().unwrap_or_default()) {
            ("up", "gateway") => load.up_gateway(number(2)).await?,
            ("up", "nginx") => load.up_nginx(number(2)).await?,
            ("down", "gateway") => load.down(true).await?,
            ("down", "nginx") => load.down(false).await?,
            ("forget", _) => load.forget().await?,
            ("small", "gateway") => load.small_gateway(number(2) as usize, number(3)).await?,
            ("small", "nginx") => load.small_nginx(number(2) as usize, number(3)).await?,
            _ => return Err(io::Error::other(format!("{line}: no such command"))),
        };
        let mut out = io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

impl Load {
    /// The payload of `plaintext` bytes, sealed once.
    fn seal_big(&mut self, plaintext: u64) -> io::Result<()> {
        let wanted = strongroom::envelope::payload_len(plaintext);
        if self.big.as_ref().map(|big| big.length) != wanted {
            self.big = Some(self.sender.seal(0, plaintext)?);
        }
        Ok(())
    }

    /// Creation, one PATCH, completion: until the receipt is there.
    async fn up_gateway(&mut self, plaintext: u64) -> io::Result<Value> {
        self.seal_big(plaintext)?;
        let Some(big) = &self.big else { return Ok(Value::Null) };
        let token = self.sender.authorization().await?;
        let ready = self.sender.next(0, big)?;
        let metadata = self.sender.metadata(0, ready.id)?;
        let (header, total) = (big.header.len() as u64, big.header.len() as u64 + big.length);
        let (version, kind) = (uploads::VERSION, uploads::CONTENT_TYPE);
        let common = format!("{token}Tus-Resumable: {version}\r\nContent-Type: {kind}\r\n");
        let completion = ready.completion()?;
        let mut line = self.gateway.connect().await?;

        let began = Instant::now();
        let headers = format!("{common}Upload-Length: {total}\r\nUpload-Metadata: {metadata}\r\n");
        let body = Body { first: &big.header, block: &[], length: header };
        line.ask("POST", "/api/v1/uploads", &headers, body).await?.ok()?;
        let path = format!("/api/v1/uploads/{}", ready.id);
        let headers = format!("{common}Upload-Offset: {header}\r\n");
        let body = Body { first: &big.first, block: &big.block, length: big.length };
        line.ask("PATCH", &path, &headers, body).await?.ok()?;
        let headers = format!("{token}Content-Type: application/json\r\n");
        let body = Body { first: &completion, block: &[], length: completion.len() as u64 };
        line.ask("POST", &format!("{path}/complete"), &headers, body).await?.ok()?;
        let seconds = began.elapsed().as_secs_f64();

        self.document = format!("/api/v1/documents/{}", ready.id);
        Ok(json!({ "seconds": seconds, "bytes": big.length }))
    }

    async fn up_nginx(&mut self, plaintext: u64) -> io::Result<Value> {
        self.seal_big(plaintext)?;
        let Some(big) = &self.big else { return Ok(Value::Null) };
        self.files += 1;
        self.file = format!("/dav/big-{}", self.files);
        let mut line = self.nginx.connect().await?;
        let began = Instant::now();
        let body = Body { first: &big.first, block: &big.block, length: big.length };
        line.ask("PUT", &self.file, "", body).await?.ok()?;
        Ok(json!({ "seconds": began.elapsed().as_secs_f64(), "bytes": big.length }))
    }

    /// All of what was last sent.
    async fn down(&mut self, gateway: bool) -> io::Result<Value> {
        let token = if gateway { self.sender.authorization().await? } else { String::new() };
        let (peer, path) = match gateway {
            true => (&self.gateway, format!("{}/age", self.document)),
            false => (&self.nginx, self.file.clone()),
        };
        let mut line = peer.connect().await?;
        let began = Instant::now();
        let reply = line.ask("GET", &path, &token, Body::NONE).await?.ok()?;
        Ok(json!({ "seconds": began.elapsed().as_secs_f64(), "bytes": reply.length }))
    }

    /// Takes the last documents back from both.
    async fn forget(&mut self) -> io::Result<Value> {
        let token = self.sender.authorization().await?;
        let document = std::mem::take(&mut self.document);
        if !document.is_empty() {
            self.gateway
                .connect()
                .await?
                .ask("DELETE", &document, &token, Body::NONE)
                .await?
                .ok()?;
        }
        let file = std::mem::take(&mut self.file);
        if !file.is_empty() {
            self.nginx.connect().await?.ask("DELETE", &file, "", Body::NONE).await?.ok()?;
        }
        Ok(json!({}))
    }

    /// `count` whole documents over each connection, one chain each.
    async fn small_gateway(&mut self, count: usize, plaintext: u64) -> io::Result<Value> {
        let kind = frames::CONTENT_TYPE;
        let token = self.sender.authorization().await?;
        let headers: Arc<str> = format!("{token}Content-Type: {kind}\r\n").into();
        let mut work = Vec::new();
        for at in 0..LINES {
            let payload = self.sender.seal(at, plaintext)?;
            let mut fronts = Vec::new();
            for _ in 0..count {
                // All but the payload itself: that is the same for all.
                let mut front = self.sender.next(at, &payload)?.frames(&payload);
                front.truncate(front.len() - payload.first.len());
                fronts.push(front);
            }
            work.push((fronts, payload.first));
        }
        let peer = self.gateway.clone();
        run_lines(&peer, work, move |mut line, (fronts, payload)| {
            let headers = headers.clone();
            async move {
                let mut spans = Vec::with_capacity(fronts.len());
                for front in &fronts {
                    let length = (front.len() + payload.len()) as u64;
                    let body = Body { first: front, block: &payload, length };
                    let began = Instant::now();
                    line.ask("POST", "/api/v1/documents", &headers, body).await?.ok()?;
                    spans.push(began.elapsed());
                }
                Ok(spans)
            }
        })
        .await
    }

    async fn small_nginx(&mut self, count: usize, plaintext: u64) -> io::Result<Value> {
        let payload = Arc::new(self.sender.seal(0, plaintext)?.first);
        self.files += 1;
        let round = self.files;
        let work = (0..LINES).map(|at| (at, payload.clone())).collect();
        let peer = self.nginx.clone();
        run_lines(&peer, work, move |mut line, (at, payload)| async move {
            let mut spans = Vec::with_capacity(count);
            for n in 0..count {
                let path = format!("/dav/small-{round}/{at}-{n}");
                let body = Body { first: &[], block: &payload, length: payload.len() as u64 };
                let began = Instant::now();
                line.ask("PUT", &path, "", body).await?.ok()?;
                spans.push(began.elapsed());
            }
            Ok(spans)
        })
        .await
    }
}

/// Runs every piece of work on a connection of its own, all at once; connecting is not counted.
async fn run_lines<W, F>(peer: &Peer, work: Vec<W>, run: impl Fn(Line, W) -> F) -> io::Result<Value>
where
    F: Future<Output = io::Result<Vec<Duration>>> + Send + 'static,
{
    let mut lines = Vec::new();
    for _ in &work {
        lines.push(peer.connect().await?);
    }
    let began = Instant::now();
    let running: Vec<_> =
        lines.into_iter().zip(work).map(|(line, work)| tokio::spawn(run(line, work))).collect();
    let mut spans = Vec::new();
    for task in running {
        spans.extend(task.await.map_err(io::Error::other)??);
    }
    let seconds = began.elapsed().as_secs_f64();
    spans.sort_unstable();
    let at = |share: f64| spans[((spans.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    Ok(json!({
        "seconds": seconds, "requests": spans.len(), "p50_ms": at(0.5), "p99_ms": at(0.99),
    }))
}
