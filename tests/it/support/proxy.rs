//! A line between people and their gateway that breaks when a test says so.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use strongroom::cli::profile::Profile;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::demo::{Demo, Serving};

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To the gateway.
    Up,
    /// From it.
    Down,
}

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Both ends get a reset.
    Reset,
    /// Both ends see an end in the middle.
    Truncate,
    /// A byte is changed on its way; TLS notices.
    Flip,
    /// Nothing moves until the test lets it.
    Hold,
}

/// A break that the next connection gets which carries so many bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) way: Way,
    pub(crate) after: u64,
    pub(crate) how: Break,
}

/// The line. Gone when dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    runtime: Option<Runtime>,
}

struct Shared {
    gateway: Mutex<Option<SocketAddr>>,
    cuts: Mutex<VecDeque<Cut>>,
    up: AtomicU64,
    down: AtomicU64,
    go_on: Notify,
}

impl Proxy {
    /// A line to nowhere yet.
    pub(crate) fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            gateway: Mutex::new(None),
            cuts: Mutex::new(VecDeque::new()),
            up: AtomicU64::new(0),
            down: AtomicU64::new(0),
            go_on: Notify::new(),
        });
        runtime.spawn(accept(listener, shared.clone()));
        Self { address, shared, runtime: Some(runtime) }
    }

    /// A demo, and the line by which `people` reach it.
    pub(crate) fn behind(people: &[&str]) -> (Demo, Self) {
        let proxy = Self::start();
        let demo = Demo::start_as(&proxy.serving());
        proxy.lead(&demo, people);
        (demo, proxy)
    }

    /// How a gateway is started that answers to this line's name too.
    pub(crate) fn serving(&self) -> Serving {
        Serving::default().with("STRONGROOM_GATEWAY__ALSO_HOSTS", &self.address.to_string())
    }

    /// Leads `people` to the gateway of `demo`, wherever that is now.
    pub(crate) fn lead(&self, demo: &Demo, people: &[&str]) {
        self.lead_to(demo.address());
        for who in people {
            let profile = Profile::open(&demo.profile(who)).expect("a profile");
            profile.relocate(&format!("https://{}", self.address)).expect("moved");
        }
    }

    /// Leads to `gateway` from now on.
    fn lead_to(&self, gateway: SocketAddr) {
        *self.shared.gateway.lock().expect("no panic") = Some(gateway);
    }

    /// Breaks connections like this, one after the other.
    pub(crate) fn cut(&self, cuts: impl IntoIterator<Item = Cut>) {
        self.shared.cuts.lock().expect("no panic").extend(cuts);
    }

    /// Breaks that have not happened yet.
    pub(crate) fn cuts_left(&self) -> usize {
        self.shared.cuts.lock().expect("no panic").len()
    }

    /// Waits until every break has happened.
    pub(crate) fn wait_for_cuts(&self) {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while self.cuts_left() > 0 {
            assert!(std::time::Instant::now() < deadline, "nothing breaks");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Lets go of what is held.
    pub(crate) fn go_on(&self) {
        self.shared.go_on.notify_one();
    }

    /// Bytes that went this way so far.
    pub(crate) fn bytes(&self, way: Way) -> u64 {
        self.shared.counter(way).load(Ordering::Relaxed)
    }

    /// Waits until `bytes` went this way.
    pub(crate) fn wait_for(&self, way: Way, bytes: u64) {
        let deadline = std::time::Instant::now() + Duration::from_secs(60);
        while self.bytes(way) < bytes {
            assert!(std::time::Instant::now() < deadline, "nothing moves");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    fn counter(&self, way: Way) -> &AtomicU64 {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    /// The break that is due on a connection that has carried `bytes`.
    fn due(&self, way: Way, bytes: u64) -> Option<Break> {
        let mut cuts = self.cuts.lock().expect("no panic");
        let next = cuts.front().filter(|cut| cut.way == way && cut.after <= bytes)?;
        let how = next.how;
        cuts.pop_front();
        Some(how)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, shared.clone()));
    }
}

async fn carry(client: TcpStream, shared: Arc<Shared>) {
    let gateway = *shared.gateway.lock().expect("no panic");
    let Some(gateway) = gateway else { return };
    let Ok(server) = TcpStream::connect(gateway).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let broken = Arc::new(Notify::new());
    let up = pump(from_client, to_server, Way::Up, shared.clone());
    let down = pump(from_server, to_client, Way::Down, shared);
    let both = [up, down].map(|pumping| {
        let broken = broken.clone();
        tokio::spawn(async move {
            tokio::select! {
                ended = pumping => if ended.is_none() { broken.notify_one() },
                // The other way has broken: this one ends with it.
                () = broken.notified() => {}
            }
        })
    });
    for way in both {
        let _ = way.await;
    }
}

/// Carries bytes one way until the end; `None` when the line broke.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    way: Way,
    shared: Arc<Shared>,
) -> Option<()> {
    let mut buffer = vec![0; 64 << 10];
    let mut carried = 0;
    loop {
        let read = from.read(&mut buffer).await.ok()?;
        if read == 0 {
            return to.shutdown().await.ok();
        }
        carried += read as u64;
        shared.counter(way).fetch_add(read as u64, Ordering::Relaxed);
        match shared.due(way, carried) {
            None => to.write_all(&buffer[..read]).await.ok()?,
            Some(Break::Flip) => {
                buffer[read / 2] ^= 1;
                to.write_all(&buffer[..read]).await.ok()?;
            }
            Some(Break::Hold) => {
                shared.go_on.notified().await;
                to.write_all(&buffer[..read]).await.ok()?;
            }
            Some(Break::Truncate) => {
                to.write_all(&buffer[..read / 2]).await.ok()?;
                return None;
            }
            Some(Break::Reset) => {
                for socket in
                    [socket2::SockRef::from(from.as_ref()), socket2::SockRef::from(to.as_ref())]
                {
                    socket.set_linger(Some(Duration::ZERO)).ok()?;
                }
                return None;
            }
        }
    }
}
