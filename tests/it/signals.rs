//! What the operating system tells a gateway, and what it runs out of: signals and file
//! descriptors. Each test has a process of its own.

use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use strongroom::app::dev_ca;
use strongroom::clock::Clock;
use strongroom::config::Limits;
use strongroom::http::Readiness;
use strongroom::http::server::{Ended, Shutdown};
use tokio::net::TcpStream;

use crate::support::alone::{CpuClock, alone};
use crate::support::gateway::Gateway;

const NEVER: Duration = Duration::from_secs(3600);

fn tell(signal: Signal) {
    kill_process(getpid(), signal).expect("to oneself");
}

fn start(limits: Limits) -> Gateway {
    let shutdown = Shutdown::on_signals().expect("handlers");
    Gateway::with_all(limits, Readiness::new(), NEVER, shutdown)
}

/// Waits until it is so.
async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !so().await {
        assert!(Instant::now() < deadline, "{what} does not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Requests that the gateway is answering.
fn in_flight(gateway: &Gateway) -> u64 {
    let metrics = gateway.metrics.render();
    let line =
        metrics.lines().find_map(|line| line.strip_prefix("strongroom_http_requests_in_flight "));
    line.expect("a gauge").parse().expect("a number")
}

#[test]
fn signals_are_heeded() {
    alone("signals::sighup_reads_the_certificate_again");
    alone("signals::sigterm_drains");
    alone("signals::a_second_signal_stops");
}

#[tokio::test]
#[ignore = "run alone by the test above"]
async fn sighup_reads_the_certificate_again() {
    let gateway = start(Limits::default());
    let shown = async || {
        let stream = gateway.client().connect("h2").await.expect("connects");
        stream.get_ref().1.peer_certificates().expect("a certificate")[0].to_vec()
    };
    let first = shown().await;
    let folder = gateway.files.ca.parent().expect("a folder");
    dev_ca::ensure(folder, &["files.example.cn".into()], &Clock::System).expect("a new one");
    // It looks every hour: handshakes alone make it look at nothing.
    for _ in 0..10 {
        assert_eq!(shown().await, first, "nobody looked");
    }
    tell(Signal::HUP);
    until("the new certificate", async || shown().await != first).await;
}

#[tokio::test]
#[ignore = "run alone by the test above"]
async fn sigterm_drains() {
    let mut gateway = start(Limits::default());
    let client = gateway.client();
    let slow = tokio::spawn(async move { client.get("/probe/slow/500").await });
    until("the request", async || in_flight(&gateway) == 1).await;
    tell(Signal::TERM);
    assert_eq!(slow.await.expect("no panic").text(), "at last");
    assert_eq!(gateway.ended().await, Ended::Drained);
}

#[tokio::test]
#[ignore = "run alone by the test above"]
async fn a_second_signal_stops() {
    let mut gateway = start(Limits::default());
    let client = gateway.client();
    let begun = Instant::now();
    tokio::spawn(async move { client.get("/probe/slow/60000").await });
    until("the request", async || in_flight(&gateway) == 1).await;
    tell(Signal::INT);
    // Two signals at once would be one.
    until("the drain", async || gateway.shutdown.is_draining()).await;
    tell(Signal::INT);
    assert_eq!(gateway.ended().await, Ended::Cut { connections: 1 });
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn running_out_of_descriptors_is_survived() {
    alone("signals::no_descriptors");
}

#[tokio::test]
#[ignore = "run alone by the test above"]
async fn no_descriptors() {
    let cpu = CpuClock::open();
    setrlimit(Resource::Nofile, Rlimit { current: Some(80), maximum: Some(80) }).expect("lower");
    let gateway = start(Limits { header_seconds: 30, handshake_seconds: 30, ..Limits::default() });
    // Both ends are in this process: half of these leave none for the gateway to accept with.
    let mut silent = Vec::new();
    while let Ok(stream) = TcpStream::connect(gateway.address).await {
        silent.push(stream);
        if silent.len() == 70 {
            break;
        }
    }
    let before = cpu.now();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let spent = cpu.now() - before;
    assert!(spent < Duration::from_millis(500), "it spins: {spent:?}");
    silent.truncate(10);
    until("an answer", async || {
        // Until descriptors are free again, there may be none for this end either.
        let client = gateway.client();
        tokio::spawn(async move { client.get("/healthz").await.status() })
            .await
            .is_ok_and(|s| s == 200)
    })
    .await;
}
