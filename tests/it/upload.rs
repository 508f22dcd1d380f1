//! Resumable uploads: rows T5, U7, U8, U9 and the resume after every kind of break.

use std::time::Duration;

use axum::body::{Body, Bytes};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{StreamExt, stream};
use http::Method;
use sha2::{Digest, Sha256};
use strongroom::api::uploads;
use strongroom::api::{Completed, DocumentPage, DocumentState};
use strongroom::documents::Settings;
use strongroom::ids::DocumentId;

use crate::support::alone::full_size;
use crate::support::office::Answer;
use crate::support::papers::{Desk, Paper, Place, noise, offset, request};

const PIECE: usize = 1_048_832;

/// A body of these parts, which then breaks off or ends.
fn body(parts: Vec<Vec<u8>>, breaks: bool) -> Body {
    let parts = parts.into_iter().map(|part| Ok(Bytes::from(part)));
    let end = breaks.then(|| Err(std::io::Error::other("the connection is gone")));
    Body::from_stream(stream::iter(parts.chain(end)))
}

/// Cuts `bytes` as `seed` will have it.
fn cut(bytes: &[u8], seed: u64) -> Vec<Vec<u8>> {
    let (mut rest, mut parts) = (bytes, Vec::new());
    for step in noise(4096, seed).chunks(3) {
        let step = match step[0] % 4 {
            0 => usize::from(step[1]),
            1 => usize::from(step[1]) * 257,
            _ => usize::from(step[1]) * 4096 + usize::from(step[2]),
        };
        let (part, after) = rest.split_at(step.min(rest.len()));
        parts.push(part.to_vec());
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    parts.push(rest.to_vec());
    parts
}

async fn paper(desk: &Desk, length: usize, seed: u64) -> Paper {
    desk.seal(desk.place(), noise(length, seed)).await
}

async fn completed(desk: &Desk, paper: &Paper) {
    let note = desk.sign(&desk.clerk, paper).await;
    let answer: Completed = desk.complete(&desk.clerk, paper, &note).await.ok().json();
    assert_eq!(answer.state, DocumentState::Received);
    assert!(desk.read(&desk.accountant, paper.id).await == paper.plaintext, "the same bytes");
}

#[tokio::test]
async fn an_upload_goes_on_where_the_durable_bytes_end() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 5 * PIECE, 1).await;
    let begun =
        desk.begin(&desk.clerk, &paper.metadata(), paper.total(), paper.header.clone()).await.ok();
    assert_eq!(begun.status, 201);
    assert_eq!(begun.head.headers["location"], format!("/api/v1/uploads/{}", paper.id).as_str());
    assert!(begun.head.headers.contains_key("upload-expires"));
    let start = offset(&begun);
    assert_eq!(start, paper.header.len() as u64);

    // Two and a half pieces arrive, then the line is cut.
    let sent = 16 + 5 * PIECE / 2;
    let parts = cut(&paper.payload[..sent], 7);
    let broke = desk.patch(&desk.clerk, paper.id, start, body(parts, true), &[]).await;
    broke.refused(400, "body_broken");
    let standing = desk.standing(&desk.clerk, paper.id).await.ok();
    let at = offset(&standing);
    assert_eq!(at - start, (16 + 2 * PIECE) as u64, "whole pieces are kept");
    assert_eq!(standing.head.headers["upload-length"], paper.total().to_string().as_str());
    assert_eq!(standing.head.headers["cache-control"], "no-store");

    for wrong in [0, start, at - 1, at + 1, paper.total(), paper.total() + 1] {
        let answer = desk.patch(&desk.clerk, paper.id, wrong, Body::empty(), &[]).await;
        answer.refused(409, "offset_mismatch");
        assert_eq!(offset(&answer), at);
    }
    let note = desk.sign(&desk.clerk, &paper).await;
    desk.complete(&desk.clerk, &paper, &note).await.refused(409, "wrong_state");
    for person in [&desk.accountant, &desk.principal] {
        let page: DocumentPage = desk.office.get("/documents", person).await.ok().json();
        assert!(page.documents.is_empty(), "nothing half-done is listed");
    }
    let own: DocumentPage =
        desk.office.get("/documents?state=uploading", &desk.clerk).await.ok().json();
    assert_eq!(own.documents[0].offset, (16 + 2 * PIECE) as u64);

    let rest = paper.payload[16 + 2 * PIECE..].to_vec();
    let done = desk.patch(&desk.clerk, paper.id, at, Body::from(rest), &[]).await.ok();
    assert_eq!((done.status, offset(&done)), (204, paper.total()));
    completed(&desk, &paper).await;
    desk.standing(&desk.clerk, paper.id).await.refused_without_body(404);
    let late = desk.patch(&desk.clerk, paper.id, paper.total(), Body::empty(), &[]).await;
    late.refused(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_it_arrives_and_breaks_the_same_document_comes_of_it() {
    let desk = Desk::open().await;
    for seed in 0..40_u64 {
        let random = noise(64, seed + 1000);
        let length = usize::from(random[0]) * 16_384 + usize::from(random[1]);
        let paper = paper(&desk, length, seed).await;
        // Now and then the first payload bytes come with the header.
        let first = if random[2].is_multiple_of(2) { 0 } else { paper.payload.len().min(700_000) };
        let head = [paper.header.as_slice(), &paper.payload[..first]].concat();
        let begun = desk.begin(&desk.clerk, &paper.metadata(), paper.total(), head).await.ok();
        let mut at = (offset(&begun) - paper.header.len() as u64) as usize;
        let mut tries = 0;
        while at < paper.payload.len() {
            tries += 1;
            assert!(tries < 60, "seed {seed}: it does not advance");
            let rest = &paper.payload[at..];
            let breaks = tries < 8 && !random[tries].is_multiple_of(3);
            let until = if breaks {
                rest.len().min(usize::from(random[tries + 8]) * 20_000)
            } else {
                rest.len()
            };
            let parts = cut(&rest[..until], seed * 100 + tries as u64);
            let place = (at + paper.header.len()) as u64;
            let answer = desk.patch(&desk.clerk, paper.id, place, body(parts, breaks), &[]).await;
            assert_eq!(answer.status, if breaks { 400 } else { 204 }, "{:?}", answer.body);
            let now = offset(&desk.standing(&desk.clerk, paper.id).await.ok());
            let now = now as usize - paper.header.len();
            assert!(now >= at && now <= at + until, "seed {seed}: never more than arrived");
            at = now;
        }
        completed(&desk, &paper).await;
    }
}

/// One small document in random pieces: as long as it said, shorter, or longer.
async fn one_chunking(desk: &Desk, seed: u64) {
    let random = noise(8, seed + 9000);
    let length = usize::from(random[0]) * usize::from(random[1]) % 5000;
    let paper = paper(desk, length, seed).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let off = 1 + usize::from(random[2]);
    let sent = match random[3] % 3 {
        0 => paper.payload.clone(),
        1 => paper.payload[..paper.payload.len().saturating_sub(off)].to_vec(),
        _ => [paper.payload.as_slice(), &noise(off, seed)].concat(),
    };
    let parts: Vec<_> = sent.chunks(1 + usize::from(random[4]) * 4).map(<[u8]>::to_vec).collect();
    let whole = sent.len() == paper.payload.len();
    let answer = desk.patch(&desk.clerk, paper.id, at, body(parts, false), &[]).await;
    // A body of nothing changes nothing, and says where it stands.
    let expected = if whole || sent.is_empty() { 204 } else { 400 };
    assert_eq!(answer.status, expected, "seed {seed}: {:?}", answer.body);
    let stands = offset(&desk.standing(&desk.clerk, paper.id).await.ok());
    let after_header = paper.header.len() as u64;
    assert!(stands == after_header || stands == paper.total(), "seed {seed}: {stands}");
    assert!(!whole || stands == paper.total(), "seed {seed}: {stands}");
    if seed.is_multiple_of(50) && stands == paper.total() {
        completed(desk, &paper).await;
    } else {
        give_up(desk, &desk.clerk, paper.id).await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_the_chunks_it_ends_as_declared_or_is_refused() {
    let desk = Desk::open().await;
    let rounds = if full_size() { 10_000 } else { 1_000 };
    let all = stream::iter(0..rounds).map(|seed| one_chunking(&desk, seed)).buffer_unordered(8);
    assert_eq!(all.count().await, rounds as usize);
    let complete = desk.office.entries("document.complete").await;
    assert_eq!(desk.objects().await.len(), complete, "what was given up is gone");
}

#[tokio::test]
async fn more_than_was_declared_is_refused() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 2 * PIECE, 3).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let long = [paper.payload.as_slice(), &[0]].concat();
    let answer = desk.patch(&desk.clerk, paper.id, at, body(cut(&long, 9), false), &[]).await;
    answer.refused(400, "bad_request");
    let at = offset(&desk.standing(&desk.clerk, paper.id).await.ok());
    let rest = paper.payload[(at as usize - paper.header.len())..].to_vec();
    desk.patch(&desk.clerk, paper.id, at, Body::from(rest), &[]).await.ok();
    let answer = desk.patch(&desk.clerk, paper.id, paper.total(), Body::from("x"), &[]).await;
    answer.refused(400, "bad_request");
    completed(&desk, &paper).await;
}

#[tokio::test]
async fn a_body_that_can_never_advance_is_refused() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 2 * PIECE, 4).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let short = Body::from(paper.payload[..1000].to_vec());
    let answer = desk.patch(&desk.clerk, paper.id, at, short, &[]).await;
    answer.refused(400, "bad_request");
    let nothing = desk.patch(&desk.clerk, paper.id, at, Body::empty(), &[]).await.ok();
    assert_eq!(offset(&nothing), at);
}

#[tokio::test]
async fn lengths_that_cannot_be_are_refused() {
    let desk = Desk::open_with(Settings {
        max_document_bytes: 10_000_000,
        keep_free_bytes: 0,
        ..Settings::default()
    })
    .await;
    let paper = paper(&desk, 1000, 5).await;
    let header = paper.header.len() as u64;
    let begin = |length: String| {
        let request = request(&desk.clerk, Method::POST, "/api/v1/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-length", length)
            .header("upload-metadata", paper.metadata().to_header())
            .header("content-type", uploads::CONTENT_TYPE);
        desk.office.send(request, Body::from(paper.header.clone()))
    };
    for length in
        ["", "-1", "+1", "0x10", "1e3", " 5", "1,2", "18446744073709551616", "9007199254740992"]
    {
        let status = begin(length.to_owned()).await.status;
        assert!([400, 413].contains(&status), "{length}: {status}");
    }
    for length in [0, 1, header - 1, header, header + 31, header + 65_568 + 16] {
        begin(length.to_string()).await.refused(400, "bad_request");
    }
    for length in [header + 10_000_001, 1 << 31, 1 << 32, (1 << 53) - 1] {
        begin(length.to_string()).await.refused(413, "too_large");
    }
    let request = |name: &'static str, value: &str| {
        let request = request(&desk.clerk, Method::POST, "/api/v1/uploads")
            .header("tus-resumable", "1.0.0")
            .header("upload-metadata", paper.metadata().to_header())
            .header("content-type", uploads::CONTENT_TYPE)
            .header(name, value);
        desk.office.send(request, Body::from(paper.header.clone()))
    };
    request("upload-defer-length", "1").await.refused(400, "bad_request");
    request("upload-concat", "partial").await.refused(400, "bad_request");
    // None of these began anything.
    desk.standing(&desk.clerk, paper.id).await.refused_without_body(404);
    desk.begun(&desk.clerk, &paper).await;
}

#[tokio::test]
async fn only_tus_1_0_and_its_content_type_are_spoken() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 1000, 6).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let path = format!("/api/v1/uploads/{}", paper.id);
    let plain = request(&desk.clerk, Method::PATCH, &path)
        .header("upload-offset", at)
        .header("content-type", uploads::CONTENT_TYPE);
    let answer = desk.office.send(plain, Body::empty()).await;
    answer.refused(412, "tus_version");
    assert_eq!(answer.head.headers["tus-version"], "1.0.0");
    let json = request(&desk.clerk, Method::PATCH, &path)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", at)
        .header("content-type", "application/json");
    desk.office.send(json, Body::from("{}")).await.refused(415, "unsupported_media_type");
    let options = request(&desk.clerk, Method::OPTIONS, "/api/v1/uploads");
    let offered = desk.office.send(options, Body::empty()).await.ok();
    let extensions = offered.head.headers["tus-extension"].to_str().expect("ASCII");
    assert!(!extensions.contains("concatenation") && !extensions.contains("defer"));
}

#[tokio::test]
async fn a_wrong_checksum_keeps_nothing_and_a_right_one_all() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 3 * PIECE, 8).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let sum = |bytes: &[u8]| format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)));
    let wrong = sum(b"something else");
    let send = |bytes: &[u8], sum: &str, at| {
        let (desk, id, bytes, sum) = (&desk, paper.id, bytes.to_vec(), sum.to_owned());
        async move {
            let headers = [("upload-checksum", sum.as_str())];
            desk.patch(&desk.clerk, id, at, Body::from(bytes), &headers).await
        }
    };
    send(&paper.payload, &wrong, at).await.refused(460, "checksum_mismatch");
    assert_eq!(offset(&desk.standing(&desk.clerk, paper.id).await), at);
    assert!(desk.objects().await.is_empty());
    send(&paper.payload, "md5 AAAA", at).await.refused(400, "bad_request");
    let sha1 = {
        let digest = aws_lc_rs::digest::digest(
            &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY,
            &paper.payload[..16 + PIECE],
        );
        format!("sha1 {}", STANDARD.encode(digest.as_ref()))
    };
    let first = send(&paper.payload[..16 + PIECE], &sha1, at).await.ok();
    let rest = &paper.payload[16 + PIECE..];
    send(rest, &sum(rest), offset(&first)).await.ok();
    completed(&desk, &paper).await;
}

#[tokio::test]
async fn an_upload_is_its_senders_alone() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 1000, 9).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let answer =
        desk.begin(&desk.principal, &paper.metadata(), paper.total(), paper.header.clone()).await;
    answer.refused(409, "document_exists");
    let again =
        desk.begin(&desk.clerk, &paper.metadata(), paper.total(), paper.header.clone()).await;
    again.refused(409, "document_exists");
    let note = desk.sign(&desk.clerk, &paper).await;
    for person in [&desk.principal, &desk.accountant, &desk.principal2] {
        desk.standing(person, paper.id).await.refused_without_body(404);
        let bytes = Body::from(paper.payload.clone());
        desk.patch(person, paper.id, at, bytes, &[]).await.refused(404, "not_found");
        desk.complete(person, &paper, &note).await.refused(404, "not_found");
        give_up(&desk, person, paper.id).await.refused(404, "not_found");
    }
    let foreign = Place { client: desk.client2, ..desk.place() };
    let elsewhere = desk.seal(foreign, b"x".to_vec()).await;
    let answer = desk
        .begin(&desk.clerk, &elsewhere.metadata(), elsewhere.total(), elsewhere.header.clone())
        .await;
    answer.refused(404, "not_found");
    desk.patch(&desk.clerk, paper.id, at, Body::from(paper.payload.clone()), &[]).await.ok();
    completed(&desk, &paper).await;
}

async fn give_up(desk: &Desk, person: &crate::support::office::Person, id: DocumentId) -> Answer {
    let path = format!("/api/v1/uploads/{id}");
    let request = request(person, Method::DELETE, &path).header("tus-resumable", "1.0.0");
    desk.office.send(request, Body::empty()).await
}

#[tokio::test]
async fn what_is_given_up_is_gone_and_may_begin_again() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 2 * PIECE, 10).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let half = Body::from(paper.payload[..16 + PIECE].to_vec());
    desk.patch(&desk.clerk, paper.id, at, half, &[]).await.ok();
    assert_eq!(desk.objects().await.len(), 1);
    give_up(&desk, &desk.clerk, paper.id).await.ok();
    assert!(desk.objects().await.is_empty());
    desk.standing(&desk.clerk, paper.id).await.refused_without_body(404);
    give_up(&desk, &desk.clerk, paper.id).await.refused(404, "not_found");
    assert_eq!(desk.office.entries("document.give_up").await, 1);
    let at = desk.begun(&desk.clerk, &paper).await;
    desk.patch(&desk.clerk, paper.id, at, Body::from(paper.payload.clone()), &[]).await.ok();
    completed(&desk, &paper).await;
    give_up(&desk, &desk.clerk, paper.id).await.refused(404, "not_found");
}

#[tokio::test]
async fn completion_again_gives_the_same_receipt() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 1000, 11).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    desk.patch(&desk.clerk, paper.id, at, Body::from(paper.payload.clone()), &[]).await.ok();
    let note = desk.sign(&desk.clerk, &paper).await;
    let mut wrong = paper.manifest(&desk.office, &desk.clerk, 1, None);
    wrong.period = "2026-09".parse().expect("a period");
    let wrong = strongroom::envelope::statement::Note::sign(&wrong, &[&desk.clerk.keys.sign]);
    desk.complete(&desk.clerk, &paper, &wrong).await.refused(422, "manifest_mismatch");
    let first: Completed = desk.complete(&desk.clerk, &paper, &note).await.ok().json();
    for _ in 0..10 {
        let again: Completed = desk.complete(&desk.clerk, &paper, &note).await.ok().json();
        assert_eq!(again.receipt, first.receipt);
    }
    desk.complete(&desk.clerk, &paper, &wrong).await.refused(409, "document_exists");
    assert_eq!(desk.office.entries("document.complete").await, 1);
    let entries = desk.office.entries("document.begin").await;
    assert_eq!(entries, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_one_wins() {
    let desk = Desk::open().await;
    for round in 0..12 {
        let paper = paper(&desk, 2 * PIECE, 100 + round).await;
        let at = desk.begun(&desk.clerk, &paper).await;
        let racers = (0..16).map(|racer| {
            // Somebody else's bytes under the same id: hashes of pieces tell them apart.
            let mut bytes = paper.payload.clone();
            bytes[40] ^= racer;
            let parts = cut(&bytes, u64::from(racer) + 1);
            let racing = desk.patch(&desk.clerk, paper.id, at, body(parts, false), &[]);
            async move { (racer, racing.await) }
        });
        let answers: Vec<_> = stream::iter(racers).buffer_unordered(16).collect().await;
        let winners: Vec<_> = answers.iter().filter(|(_, a)| a.status == 204).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 204) {
            assert!([409, 423].contains(&answer.status), "{}", answer.status);
        }
        let path = format!("/documents/{}", paper.id);
        let note = desk.sign(&desk.clerk, &paper).await;
        let done = desk.complete(&desk.clerk, &paper, &note).await;
        if winners[0].0 == 0 {
            done.ok();
            desk.office.get(&path, &desk.accountant).await.ok();
        } else {
            done.refused(422, "manifest_mismatch");
            desk.office.get(&path, &desk.accountant).await.refused(404, "not_found");
            give_up(&desk, &desk.clerk, paper.id).await.ok();
        }
    }
    let complete = desk.office.entries("document.complete").await;
    assert_eq!(desk.objects().await.len(), complete, "the losers left nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_stalls_gives_way_and_one_that_writes_does_not() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 3 * PIECE, 12).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let first = Bytes::from(paper.payload[..16 + PIECE + 5].to_vec());
    let silent = stream::iter([Ok::<_, std::io::Error>(first)]).chain(stream::pending());
    let stalled = desk.patch(&desk.clerk, paper.id, at, Body::from_stream(silent), &[]);
    let next = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let early =
            desk.patch(&desk.clerk, paper.id, at, Body::from(paper.payload.clone()), &[]).await;
        early.refused(423, "locked");
        tokio::time::sleep(Duration::from_secs(5)).await;
        // It stands still; this one makes it save what it has.
        let probe = desk.patch(&desk.clerk, paper.id, at, Body::empty(), &[]).await;
        probe.refused(409, "offset_mismatch");
        let at = offset(&probe);
        assert_eq!(at as usize - paper.header.len(), 16 + PIECE);
        let rest = paper.payload[16 + PIECE..].to_vec();
        desk.patch(&desk.clerk, paper.id, at, Body::from(rest), &[]).await.ok();
    };
    let (broke, ()) = tokio::join!(stalled, next);
    broke.refused(400, "body_broken");
    completed(&desk, &paper).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn giving_up_stops_whoever_writes() {
    let desk = Desk::open().await;
    let paper = paper(&desk, 3 * PIECE, 13).await;
    let at = desk.begun(&desk.clerk, &paper).await;
    let first = Bytes::from(paper.payload[..2 * PIECE].to_vec());
    let silent = stream::iter([Ok::<_, std::io::Error>(first)]).chain(stream::pending());
    let writing = desk.patch(&desk.clerk, paper.id, at, Body::from_stream(silent), &[]);
    let ending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        give_up(&desk, &desk.clerk, paper.id).await.ok();
    };
    let (broke, ()) = tokio::join!(writing, ending);
    assert!(broke.status >= 400);
    assert!(desk.objects().await.is_empty());
    desk.standing(&desk.clerk, paper.id).await.refused_without_body(404);
}

#[tokio::test]
async fn one_member_has_only_so_many_unfinished_uploads() {
    let desk = Desk::open_with(Settings {
        max_unfinished_uploads: 2,
        keep_free_bytes: 0,
        ..Settings::default()
    })
    .await;
    for seed in 0..2 {
        let paper = paper(&desk, 100, seed).await;
        desk.begun(&desk.clerk, &paper).await;
    }
    let paper = paper(&desk, 100, 3).await;
    let more =
        desk.begin(&desk.clerk, &paper.metadata(), paper.total(), paper.header.clone()).await;
    more.refused(429, "too_many_requests");
    desk.begun(&desk.principal, &paper).await;
}
