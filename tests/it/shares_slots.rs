//! Rows A4 to A8 and A10 over the real program: races for slots, leases, scanners, answers
//! that tell nothing.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use strongroom::ids::{LeaseId, ShareId};
use tokio::io::AsyncWriteExt;

use crate::shares::{open_share, seen, sent, share, wrong};
use crate::support::alone::full_size;
use crate::support::demo::{Demo, noise};
use crate::support::proxy::{Break, Cut, Proxy, Way};
use crate::support::share_client::{Proven, Version, client, send};
use crate::support::tls::{Answer, Client};

/// An answer as far as it may say anything.
fn said(answer: &Answer) -> (u16, Vec<(String, String)>, Bytes) {
    let mut headers: Vec<_> = answer
        .head
        .headers
        .iter()
        .filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()))
        .collect();
    headers.sort();
    (answer.status(), headers, answer.body.clone())
}

/// Changes a demo's database behind the gateway's back.
async fn sql(demo: &Demo, statement: &str) {
    let path = demo.data().join("strongroom.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(10));
    let pool = sqlx::SqlitePool::connect_with(options).await.expect("the database");
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&pool).await;
    assert!(done.expect("changed").rows_affected() > 0, "{statement}");
    pool.close().await;
}

/// Sends a request that opens and goes away without waiting for the answer.
async fn hit_and_run(client: &Client, proven: &Proven, lease: LeaseId) {
    let body = proven.body(lease);
    let mut stream = client.connect("http/1.1").await.expect("connects");
    let head = format!(
        "POST /api/v1/shares/{}/open HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        proven.id,
        client.address(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.flush().await.expect("sent");
}

/// One of many who all want a set; whether they got all of it.
async fn race(
    (client, proven): (&Client, &Proven),
    (document, whole): (&str, usize),
    at: usize,
    lease: LeaseId,
) -> bool {
    let version = if at.is_multiple_of(2) { Version::H1 } else { Version::H2 };
    if at.is_multiple_of(5) {
        hit_and_run(client, proven, lease).await;
    }
    // Looking does not take anything.
    let early = proven.fetch(client, version, ("HEAD", document, None), lease).await;
    assert!([200, 404].contains(&early.status()));
    if proven.post(client, version, "open", lease).await.status() != 200 {
        let refused = proven.fetch(client, version, ("GET", document, None), lease).await;
        assert_eq!(refused.status(), 404);
        return false;
    }
    let again = proven.post(client, version, "open", lease).await;
    assert_eq!(again.status(), 200, "the same lease is the same slot");
    let part = proven.fetch(client, version, ("GET", document, Some("bytes=0-99")), lease).await;
    assert_eq!((part.status(), part.body.len()), (206, 100));
    let all = proven.fetch(client, version, ("GET", document, None), lease).await;
    assert_eq!((all.status(), all.body.len()), (200, whole));
    true
}

async fn exactly(demo: &Demo, documents: &[String], slots: u64, racers: usize) {
    let max = slots.to_string();
    let share = open_share(demo, documents, &["--max-downloads", &max]);
    let (client, proven) = (client(demo), Proven::new(&share.url, &share.code));
    let whole = {
        let row = seen(demo, "accountant", &share.id);
        assert_eq!(row["downloads_used"], 0);
        age_length(demo, &documents[0]).await
    };
    let running: Vec<_> = (0..racers)
        .map(|at| {
            let (client, proven, document) = (client.clone(), proven.clone(), documents[0].clone());
            let lease = LeaseId::random();
            tokio::spawn(
                async move { race((&client, &proven), (&document, whole), at, lease).await },
            )
        })
        .collect();
    let got = join_all(running).await.into_iter().filter(|r| *r.as_ref().expect("no panic"));
    assert_eq!(got.count() as u64, slots, "{racers} racers");
    let row = seen(demo, "accountant", &share.id);
    assert_eq!((row["downloads_used"].as_u64(), &row["state"]), (Some(slots), &"used_up".into()));
}

/// Bytes of header and payload of a share's document: its header has one recipient of its own,
/// so it is asked of another share.
async fn age_length(demo: &Demo, document: &str) -> usize {
    let share = open_share(demo, &[document.to_owned()], &[]);
    let (client, proven) = (client(demo), Proven::new(&share.url, &share.code));
    let lease = LeaseId::random();
    assert_eq!(proven.post(&client, Version::H1, "open", lease).await.status(), 200);
    let head = proven.fetch(&client, Version::H1, ("HEAD", document, None), lease).await;
    head.header("content-length").parse().expect("a length")
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_as_many_full_sets_are_released_as_there_are_slots() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(300_000, 9))]);
    // The figures of a release are a hundred rounds; so many here as a minute bears.
    let rounds = if full_size() { 100 } else { 1 };
    for round in 0..rounds {
        for slots in [1, 5, 50] {
            exactly(&demo, &documents, slots, 200).await;
            println!("round {round}: {slots} of 200");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_killed_amid_the_race_releases_no_set_more_and_none_less() {
    let mut demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(300_000, 9))]);
    let share = open_share(&demo, &documents, &["--max-downloads", "5"]);
    let (client, proven) = (client(&demo), Proven::new(&share.url, &share.code));
    let whole = age_length(&demo, &documents[0]).await;
    let running: Vec<_> = (0..60)
        .map(|at| {
            let (client, proven, document) = (client.clone(), proven.clone(), documents[0].clone());
            tokio::spawn(async move {
                let lease = LeaseId::random();
                // Whoever is cut off tries again, with the lease that may hold a slot by now.
                for _ in 0..300 {
                    let (client, proven, document) =
                        (client.clone(), proven.clone(), document.clone());
                    let tried = tokio::spawn(async move {
                        race((&client, &proven), (&document, whole), at, lease).await
                    });
                    match tried.await {
                        Ok(got) => return got,
                        Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                    }
                }
                panic!("the gateway stays away");
            })
        })
        .collect();
    let address = demo.address();
    for pause in [100, 300] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        tokio::task::block_in_place(|| {
            demo.kill();
            demo.serve(address);
        });
    }
    let got = join_all(running).await.into_iter().filter(|r| *r.as_ref().expect("no panic"));
    assert_eq!(got.count(), 5);
    let row = seen(&demo, "accountant", &share.id);
    assert_eq!((row["downloads_used"].as_u64(), &row["state"]), (Some(5), &"used_up".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_given_back_only_while_nothing_has_left() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(3_000_000, 9))]);
    let share = open_share(&demo, &documents, &["--max-downloads", "1"]);
    let (client, proven) = (client(&demo), Proven::new(&share.url, &share.code));
    let used = || seen(&demo, "accountant", &share.id)["downloads_used"].clone();
    let (first, second) = (LeaseId::random(), LeaseId::random());
    let open = async |lease| proven.post(&client, Version::H1, "open", lease).await.status();
    let release = async |lease| proven.post(&client, Version::H2, "release", lease).await.status();
    assert_eq!((open(first).await, used()), (200, 1.into()));
    assert_eq!(open(second).await, 404);
    assert_eq!((release(first).await, used()), (204, 0.into()));
    assert_eq!(release(first).await, 404);
    assert_eq!((open(second).await, used()), (200, 1.into()));
    // A look and the hashes of the pieces are no header.
    let document = documents[0].as_str();
    proven.fetch(&client, Version::H1, ("HEAD", document, None), second).await;
    let far = Some("bytes=99999999-");
    let beyond = proven.fetch(&client, Version::H1, ("GET", document, far), second).await;
    assert_eq!(beyond.status(), 416);
    assert_eq!((release(second).await, used()), (204, 0.into()));
    assert_eq!(open(first).await, 200);
    // Cut in the middle and gone on with: one slot, and the very same bytes.
    let whole = proven.fetch(&client, Version::H1, ("GET", document, None), first).await;
    let (part, rest) = (Some("bytes=0-999999"), Some("bytes=1000000-"));
    let part = proven.fetch(&client, Version::H2, ("GET", document, part), first).await;
    let rest = proven.fetch(&client, Version::H1, ("GET", document, rest), first).await;
    assert_eq!(whole.body, [part.body, rest.body].concat());
    assert_eq!((release(first).await, used()), (404, 1.into()));
    assert_eq!((open(first).await, used()), (200, 1.into()));
    // Nobody else's lease, and not this one with another share's proof.
    for lease in [second, LeaseId::random()] {
        let refused = proven.fetch(&client, Version::H1, ("GET", document, None), lease).await;
        assert_eq!(refused.status(), 404);
    }
    let other = open_share(&demo, &documents, &[]);
    let mixed = Proven { id: share.id.clone(), ..Proven::new(&other.url, &other.code) };
    let refused = proven.fetch(&client, Version::H1, ("GET", &"0".repeat(32), None), first).await;
    assert_eq!(refused.status(), 404);
    assert_eq!(
        mixed.fetch(&client, Version::H1, ("GET", document, None), first).await.status(),
        404
    );
}

/// Those that look at links in mail, chat and search before their readers do.
const SCANNERS: [&str; 30] = [
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
    "TelegramBot (like TwitterBot)",
    "WhatsApp/2.23.20.0",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Facebot",
    "Twitterbot/1.0",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)",
    "Discordbot/2.0 (+https://discordapp.com)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (Linux; Android 13) MicroMessenger/8.0.42 WeChat",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) MicroMessenger/8.0.42",
    "WeComRobot/1.0",
    "DingTalkBot-LinkService/1.0 (+https://open.dingtalk.com)",
    "DingTalk/7.0 (LinkPreview)",
    "Lark-LinkPreview/1.0",
    "QQ-URLManager/1.0",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "BingPreview/1.0b",
    "Microsoft Office/16.0 (Microsoft Outlook Mail 16.0) SafeLinks",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) MicrosoftPreview/2.0",
    "Proofpoint-URLDefense/1.0",
    "Mimecast-URL-Protect/2.1",
    "Barracuda Sentinel (EE)",
    "Mozilla/5.0 (X11; Linux x64) HeadlessChrome/124.0.0.0 Safari/537.36",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Mozilla/5.0 AppleWebKit/537.36 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)",
];

#[tokio::test(flavor = "multi_thread")]
async fn scanners_use_nothing_up() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(1000, 9))]);
    let share = open_share(&demo, &documents, &["--max-downloads", "1"]);
    let client = client(&demo);
    let form = "find=&open=&lease=&code=&submit=1";
    let paths = [
        format!("/s/{}", share.id),
        format!("/s/{}/", share.id),
        format!("/api/v1/shares/{}/open", share.id),
        format!("/api/v1/shares/{}/{}/age", share.id, documents[0]),
    ];
    let mut asked = 0;
    for (at, agent) in SCANNERS.iter().enumerate() {
        let version = if at.is_multiple_of(2) { Version::H1 } else { Version::H2 };
        let attempts: [(&str, &[(&str, &str)], &str); 7] = [
            ("GET", &[("accept", "text/html")], ""),
            ("HEAD", &[], ""),
            ("OPTIONS", &[], ""),
            ("GET", &[("range", "bytes=0-1023")], ""),
            ("GET", &[("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")], ""),
            ("POST", &[("content-type", "application/x-www-form-urlencoded")], form),
            ("POST", &[("content-type", "application/json")], "{}"),
        ];
        for path in &paths {
            for (method, headers, body) in attempts {
                let mut headers = headers.to_vec();
                headers.push(("user-agent", agent));
                let body = Full::new(Bytes::from(body.to_owned()));
                let answer = send(&client, version, method, path, &headers, body).await;
                assert!(answer.status() < 500, "{agent} {method} {path}");
                assert!(!path.contains("/api/") || answer.status() >= 400, "{method} {path}");
                asked += 1;
            }
        }
    }
    assert_eq!(asked, 30 * 4 * 7);
    let row = seen(&demo, "accountant", &share.id);
    assert_eq!((&row["downloads_used"], &row["wrong_codes"]), (&0.into(), &0.into()));
    assert_eq!(share.receive(&demo, "human").ok()[0]["verified"], true);
    // The page is the same for every id, and brings nothing from elsewhere.
    let html = [("accept", "text/html")];
    let page = async |id: &str| {
        send(&client, Version::H1, "GET", &format!("/s/{id}"), &html, Full::default()).await
    };
    let real = page(&share.id).await;
    for id in [ShareId::random().to_string(), "x".into()] {
        assert_eq!(said(&real), said(&page(&id).await));
    }
    assert_eq!(real.header("referrer-policy"), "no-referrer");
    assert_eq!(real.header("cache-control"), "no-store");
    assert!(real.header("content-security-policy").contains("default-src 'none'"));
    assert!(real.text().contains("strongroom receive") && !real.text().contains("<script"));
}

/// The probability that a refusal of the one kind is slower than one of the other.
fn auc(a: &[Duration], b: &[Duration]) -> f64 {
    let mut greater = 0.0;
    for x in a {
        for y in b {
            greater += match x.cmp(y) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    let auc = greater / (a.len() * b.len()) as f64;
    auc.max(1.0 - auc)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_says_nothing_of_why() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(1000, 9))]);
    let made = |more: &[&str]| {
        let share = open_share(&demo, &documents, more);
        let proven = Proven::new(&share.url, &share.code);
        (share, proven)
    };
    let client = client(&demo);
    let waiting = share(&demo, &documents, &[]);
    let waiting = Proven::new(&waiting.url, &waiting.code);
    let (_, open) = made(&[]);
    let unknown = Proven { id: ShareId::random().to_string(), ..open.clone() };
    let (revoked, revoked_proof) = made(&[]);
    demo.run("accountant", &["revoke", &revoked.id]).ok();
    let (withdrawn, withdrawn_proof) = made(&[]);
    demo.run("principal", &["withdraw", &withdrawn.id]).ok();
    let (used, used_proof) = made(&["--max-downloads", "1"]);
    used.receive(&demo, "used").ok();
    let (expired, expired_proof) = made(&[]);
    sql(&demo, &format!("UPDATE shares SET expires_at = 1 WHERE id = '{}'", expired.id)).await;
    let (coded, _) = made(&[]);
    let wrong_code = Proven::new(&coded.url, &wrong(&coded.code));
    let (_, other) = made(&[]);
    let wrong_link = Proven { id: coded.id.clone(), ..other.clone() };
    let malformed = Proven { find: "?".into(), ..open.clone() };
    let (lapsed, lapsed_proof) = made(&[]);
    assert_eq!(seen(&demo, "accountant", &lapsed.id)["state"], "open");
    let lease = LeaseId::random();
    for version in [Version::H1, Version::H2] {
        let expected = said(&unknown.post(&client, version, "open", lease).await);
        assert_eq!(expected.0, 404);
        for (proven, what) in [
            (&waiting, "waiting"),
            (&revoked_proof, "revoked"),
            (&withdrawn_proof, "withdrawn"),
            (&used_proof, "used up"),
            (&expired_proof, "expired"),
            (&wrong_code, "wrong code"),
            (&wrong_link, "wrong link"),
            (&malformed, "malformed"),
        ] {
            for way in ["open", "release"] {
                let answer = proven.post(&client, version, way, lease).await;
                assert_eq!(said(&answer), expected, "{what} {way}");
            }
            let range = ("GET", documents[0].as_str(), None);
            let answer = proven.fetch(&client, version, range, lease).await;
            assert_eq!(said(&answer), expected, "{what}");
        }
    }
    let partner = demo.record["partner"].as_str().expect("a partner");
    demo.run("lead", &["partner", "suspend", partner]).ok();
    let expected = said(&unknown.post(&client, Version::H1, "open", lease).await);
    assert_eq!(said(&lapsed_proof.post(&client, Version::H1, "open", lease).await), expected);

    let pairs = if full_size() { 2000 } else { 240 };
    let timed = async |proven: &Proven| {
        let began = Instant::now();
        let answer = proven.post(&client, Version::H1, "open", LeaseId::random()).await;
        assert_eq!(answer.status(), 404);
        began.elapsed()
    };
    for (proven, what) in [(&wrong_code, "wrong code"), (&revoked_proof, "revoked")] {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        let (timed, unknown) = (&timed, &unknown);
        for at in 0..pairs / 8 {
            let batch = (0..8).map(|i| async move {
                // Each kind as often first as second.
                if (at + i) % 2 == 0 {
                    let a = timed(unknown).await;
                    (a, timed(proven).await)
                } else {
                    let b = timed(proven).await;
                    (timed(unknown).await, b)
                }
            });
            for (a, b) in join_all(batch).await {
                one.push(a);
                two.push(b);
            }
        }
        let found = auc(&one, &two);
        let bound = if full_size() { 0.55 } else { 0.62 };
        assert!(found <= bound, "{what}: {found}");
        println!("{what}: {found:.3} over {pairs} pairs");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_ends_at_once_and_cuts_what_runs() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("big.bin", &noise(48 << 20, 9))]);
    let share = open_share(&demo, &documents, &[]);
    let (client, proven) = (client(&demo), Proven::new(&share.url, &share.code));
    let lease = LeaseId::random();
    assert_eq!(proven.post(&client, Version::H1, "open", lease).await.status(), 200);
    let stream = client.connect("http/1.1").await.expect("connects");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let path = format!("/api/v1/shares/{}/{}/age", share.id, documents[0]);
    let request = client.request("GET", &path).header("strongroom-lease", proven.proof(lease));
    let request = request.body(Full::<Bytes>::default()).expect("a request");
    let mut body = sender.send_request(request).await.expect("an answer").into_body();
    let first = body.frame().await.expect("a part").expect("arrives");
    assert!(first.data_ref().is_some_and(|part| !part.is_empty()));
    let withdrawn = demo.run("principal", &["withdraw", &share.id]).ok();
    assert_eq!(withdrawn["state"], "withdrawn");
    let acknowledged = Instant::now();
    // Nothing opens any more, and what was under way breaks off before its end.
    assert_eq!(proven.post(&client, Version::H2, "open", lease).await.status(), 404);
    let range = ("GET", documents[0].as_str(), Some("bytes=0-9"));
    assert_eq!(proven.fetch(&client, Version::H1, range, lease).await.status(), 404);
    let cut = loop {
        match body.frame().await {
            // Slow enough that the whole of it would take far longer than the gateway may take.
            Some(Ok(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
            Some(Err(_)) => break true,
            None => break false,
        }
    };
    assert!(cut, "it ended as if it were whole");
    assert!(acknowledged.elapsed() < Duration::from_secs(5), "{:?}", acknowledged.elapsed());
}

/// What a gateway may try to serve instead of what was shared.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_serves_something_else_is_caught() {
    let demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.txt", b"first."), ("b.txt", b"second")]);
    let (one, two) = documents.split_at(1);
    let old = open_share(&demo, one, &[]);
    let share = open_share(&demo, one, &[]);
    let other = open_share(&demo, two, &[]);
    let (mine, elder, theirs) = (&share.id, &old.id, &other.id);
    let caught = |to: &str, code: &str| {
        let ran = share.receive(&demo, to);
        assert_eq!(ran.status, 4, "{to}: {} {}", ran.json, ran.stderr);
        let found = ran.json[0]["reason"].as_str().map(str::to_owned);
        assert_eq!(found.unwrap_or_else(|| ran.code()), code, "{to}");
        let left: Vec<_> = std::fs::read_dir(demo.place(to)).expect("a folder").collect();
        assert_eq!(left.len(), 1, "nothing but the journal: {left:?}");
    };
    let take = |column: &str, from: &str| {
        format!(
            "UPDATE shares SET {column} = (SELECT {column} FROM shares WHERE id = '{from}') WHERE id = '{mine}'"
        )
    };
    let keep = "CREATE TABLE kept AS SELECT id, note, sealed FROM shares; \
                UPDATE shares SET used = used;";
    sql(&demo, keep).await;
    let back = format!(
        "UPDATE shares SET note = (SELECT note FROM kept WHERE kept.id = shares.id),
             sealed = (SELECT sealed FROM kept WHERE kept.id = shares.id) WHERE id = '{mine}'"
    );
    // Another share's statement: an older one of the same set, and one of another set.
    for from in [elder, theirs] {
        sql(&demo, &take("note", from)).await;
        caught("statement", "share_unverified");
        sql(&demo, &take("sealed", from)).await;
        caught("both", "share_unverified");
        sql(&demo, &back).await;
    }
    sql(&demo, &take("sealed", theirs)).await;
    caught("list", "share_unverified");
    sql(&demo, &back).await;
    assert_eq!(seen(&demo, "accountant", mine)["downloads_used"], 0, "every slot came back");
    // Another partner's header.
    let header = format!(
        "UPDATE share_documents SET header = (SELECT header FROM share_documents
             WHERE share = '{elder}') WHERE share = '{mine}'"
    );
    sql(&demo, &header).await;
    caught("header", "share_unverified");
    // Another document's payload under this one's name.
    let swapped = format!(
        "UPDATE segments SET object = 'x' || object WHERE document = '{}';
         UPDATE segments SET object = (SELECT substr(object, 2) FROM segments
             WHERE document = '{}') WHERE document = '{}'",
        one[0], one[0], two[0]
    );
    sql(&demo, &swapped).await;
    let ran = other.receive(&demo, "payload");
    assert_eq!(ran.status, 4, "{} {}", ran.json, ran.stderr);
}

#[test]
fn a_transfer_that_is_cut_twice_takes_one_slot() {
    let (demo, proxy) = Proxy::behind(&[]);
    let archive = noise(if full_size() { 1 << 30 } else { 24 << 20 }, 9);
    let files: [(&str, &[u8]); 3] =
        [("a.pdf", b"%PDF-1.7"), ("b.jpg", &noise(200_000, 3)), ("c.zip", &archive)];
    let documents = sent(&demo, "bank", &files);
    let mut share = open_share(&demo, &documents, &["--max-downloads", "1"]);
    share.url = share.url.replace(&demo.address().to_string(), &proxy.address.to_string());
    let cut = |after, how| Cut { way: Way::Down, after, how };
    proxy.cut([cut(6 << 20, Break::Reset), cut(9 << 20, Break::Truncate)]);
    let rows = share.receive(&demo, "received").ok();
    assert_eq!(proxy.cuts_left(), 0);
    for (name, bytes) in files {
        let written = std::fs::read(demo.place("received").join(name)).expect("written");
        assert!(written == bytes, "{name}");
    }
    assert!(rows.as_array().expect("rows").iter().all(|row| row["verified"] == true));
    let row = seen(&demo, "principal", &share.id);
    assert_eq!((&row["downloads_used"], &row["state"]), (&1.into(), &"used_up".into()));
    assert_eq!(row["fetched"].as_array().map(Vec::len), Some(3));
}
