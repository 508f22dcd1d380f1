//! Row U1: a gateway that is killed again and again under a load of several senders. What a
//! sender holds a receipt for is there, whole and once; nothing else is half there.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use strongroom::clock::Clock;
use strongroom::documents::{Documents, Keys, Settings};
use strongroom::firm::Directories;
use strongroom::identity::GatewaySecrets;
use strongroom::objects::Objects;
use strongroom::store::Store;

use crate::support::demo::{Demo, Serving, noise, text};

/// A document whose sender was told that it is durable.
#[derive(Clone, Debug)]
struct Ack {
    document: String,
    sha256: String,
}

/// What a command of a sender was told.
fn acks(sent: &Value) -> Vec<Ack> {
    let told = |row: &Value| {
        Some(Ack {
            document: row["document"].as_str()?.to_owned(),
            sha256: row["sha256"].as_str()?.to_owned(),
        })
    };
    sent.as_array().into_iter().flatten().filter_map(told).collect()
}

/// What is wrong with what the senders were told: what their accountant cannot pull whole.
fn lost(demo: &Demo, acks: &[Ack]) -> Vec<String> {
    let to = text(&demo.place("pulled"));
    let pulled = demo.run("accountant", &["pull", "--all", "--to", &to]);
    let listed = demo.run("accountant", &["list"]).ok();
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for row in listed.as_array().into_iter().flatten() {
        *times.entry(row["document"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let rows = pulled.json.as_array().map(Vec::as_slice).unwrap_or_default();
    let whole = |ack: &Ack| {
        let row = rows.iter().find(|row| row["document"] == ack.document.as_str())?;
        let bytes = std::fs::read(row["path"].as_str()?).ok()?;
        let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        (row["verified"] == true && hex::encode(sum) == ack.sha256).then_some(())
    };
    let mut complaints = Vec::new();
    for ack in acks {
        let listed = times.get(ack.document.as_str()).copied().unwrap_or(0);
        if listed != 1 {
            complaints.push(format!("{} is listed {listed} times", ack.document));
        } else if whole(ack).is_none() {
            complaints.push(format!("{} cannot be pulled whole", ack.document));
        }
    }
    complaints
}

/// Sweeps as the gateway's worker does, two days from now; what is left that nobody refers to.
fn swept(demo: &Demo) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let data = demo.data();
        let store = Store::open(&data.join("strongroom.db")).await.expect("a database");
        let root = store.read().await.expect("a transaction").firm().await.expect("founded").root;
        let secrets = GatewaySecrets::load(&data.join("secrets.json")).expect("secrets");
        let objects = Objects::open_to_serve(&data.join("objects")).expect("a folder");
        let clock = Clock::fixed(Clock::System.now().plus_secs(2 * 86_400));
        let keys = Keys {
            root: root.key_id(),
            receipt: secrets.receipt_key(),
            arrival: secrets.arrival_key(),
        };
        let directories = std::sync::Arc::new(Directories::default());
        let documents =
            Documents::new(store.clone(), objects, clock, Settings::default(), keys, directories);
        documents.sweep(86_400).await.expect("swept");
        store.close().await;
    });
    demo.stored().difference(&demo.books().referenced).cloned().collect()
}

/// The files of one command.
fn batch(demo: &Demo, seed: usize) -> Vec<PathBuf> {
    let sizes =
        [2_000, 90_000, 400_000, if seed.is_multiple_of(3) { 10_000_000 } else { 1_500_000 }];
    let file = |(at, size): (usize, usize)| {
        demo.file(&format!("{seed}-{at}.bin"), &noise(size + seed, (seed * 8 + at) as u64 + 1))
    };
    sizes.into_iter().enumerate().map(file).collect()
}

#[test]
fn twenty_kills_lose_nothing_that_was_acknowledged() {
    let mut demo = Demo::start();
    let address = demo.address();
    let before = demo.books().documents.len();
    let done = AtomicBool::new(false);
    let next = AtomicUsize::new(0);
    // What the senders need of the demo; its gateway is this thread's to kill.
    let senders = demo.handle();
    let (acked, files) = std::thread::scope(|scope| {
        let running: Vec<_> = ["principal", "clerk"]
            .map(|who| {
                let (done, next, senders) = (&done, &next, &senders);
                scope.spawn(move || {
                    let (mut told, mut files) = (Vec::new(), 0);
                    while !done.load(Ordering::Relaxed) {
                        let batch = batch(senders, next.fetch_add(1, Ordering::Relaxed));
                        let paths: Vec<String> = batch.iter().map(|path| text(path)).collect();
                        let mut words = vec!["send"];
                        words.extend(paths.iter().map(String::as_str));
                        // Whoever is told that something failed does it again.
                        let sent = (0..5).find_map(|_| {
                            let ran = senders.run(who, &words);
                            (ran.status == 0).then_some(ran.json)
                        });
                        let rows = acks(&sent.expect("it goes on with the same command"));
                        assert_eq!(rows.len(), batch.len());
                        files += batch.len();
                        told.extend(rows);
                        for path in batch {
                            std::fs::remove_file(path).expect("removed");
                        }
                    }
                    (told, files)
                })
            })
            .into_iter()
            .collect();
        let mut drawn = noise(40, u64::from(std::process::id())).into_iter();
        for _ in 0..20 {
            let until = u64::from(drawn.next().expect("enough")) * 3;
            std::thread::sleep(Duration::from_millis(until));
            demo.kill();
            demo.serve(address);
        }
        done.store(true, Ordering::Relaxed);
        let ended = running.into_iter().map(|sender| sender.join().expect("no panic"));
        ended.fold((Vec::new(), 0), |(mut all, count), (told, files)| {
            all.extend(told);
            (all, count + files)
        })
    });
    assert!(files >= 20, "there was a load: {files}");
    assert_eq!(lost(&demo, &acked), Vec::<String>::new());
    assert_eq!(demo.stop(), Some(0));
    let books = demo.books();
    assert_eq!(books.documents.len() - before, files, "every file is one document");
    assert!(books.documents.values().all(|state| state != "uploading"));
    assert_eq!(books.unrecorded(), Vec::<String>::new());
    assert!(books.referenced.is_subset(&demo.stored()));
    // One at least that nobody refers to, however the kills fell.
    let orphan = demo.data().join("objects/segments/00").join("0".repeat(32));
    std::fs::write(orphan, b"nobody's").expect("written");
    assert_eq!(swept(&demo), Vec::<String>::new());
}

#[test]
fn an_acknowledgement_before_the_commit_is_found_out() {
    let demo = Demo::start_as(&Serving::default().fault("ACK_BEFORE_COMMIT"));
    let file = text(&demo.file("a.bin", &noise(50_000, 3)));
    let told = acks(&demo.run("principal", &["send", &file]).ok());
    assert_eq!(told.len(), 1, "the sender believes it");
    assert_eq!(lost(&demo, &told).len(), 1);
}

/// What is wrong with the order in which one document became durable and was acknowledged.
fn misordered(trace: &str) -> Result<(), &'static str> {
    let joined = joined(trace);
    let calls: Vec<&str> = joined.iter().map(String::as_str).collect();
    let place = |from: usize, test: &dyn Fn(&str) -> bool| {
        calls.iter().skip(from).position(|call| test(call)).map(|at| at + from)
    };
    let syncs = |call: &str| call.starts_with("fsync(") || call.starts_with("fdatasync(");
    let named = place(0, &|c| c.starts_with("rename") && c.contains("/segments/"))
        .ok_or("no segment was named")?;
    let bytes = calls[..named].iter().any(|c| syncs(c) && c.contains("/incoming/"));
    if !bytes {
        return Err("the segment had its name before its bytes were on the disk");
    }
    let folder = place(named, &|c| syncs(c) && c.contains("/segments/"))
        .ok_or("the folder of the segment was never synced")?;
    let commit = place(folder, &|c| syncs(c) && c.contains("strongroom.db-wal"))
        .ok_or("the database was never synced after the segment")?;
    let answer = place(named, &|c| {
        let writes = ["sendto(", "write(", "writev(", "sendmsg("];
        writes.iter().any(|call| c.starts_with(call))
            && (c.contains("TCP") || c.contains("socket:"))
    })
    .ok_or("nothing was answered")?;
    let wal = |c: &&str| syncs(c) && c.contains("strongroom.db-wal");
    match () {
        () if calls[named..folder].iter().any(wal) => Err("the database named the segment early"),
        () if answer < commit => Err("it was acknowledged before it was committed"),
        () => Ok(()),
    }
}

/// The calls of a trace in the order in which they ended; those that others interrupted stand in
/// two lines there.
fn joined(trace: &str) -> Vec<String> {
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    let mut out = Vec::new();
    for line in trace.lines() {
        let (thread, call) = line.trim_start().split_once(' ').unwrap_or_default();
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix(" <unfinished ...>") {
            open.insert(thread, begun);
        } else if let Some((_, rest)) = call.split_once(" resumed>") {
            let begun = open.remove(thread).unwrap_or_default();
            out.push(format!("{begun}{rest}"));
        } else {
            out.push(call.to_owned());
        }
    }
    out
}

/// The system calls of a gateway from the moment that a document is sent.
fn traced(serving: Serving) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let traced = "trace=fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg,write,writev";
    let words = [
        "strace",
        "-D",
        "-f",
        "-y",
        "-s",
        "0",
        "-e",
        traced,
        "-e",
        "signal=none",
        "-o",
        &text(&trace),
    ];
    let mut demo = Demo::start_as(&serving.wrapped(&words));
    let file = text(&demo.file("a.bin", &noise(50_000, 4)));
    let before = std::fs::metadata(&trace).expect("traced").len();
    let sent = demo.run("principal", &["send", &file]);
    assert_eq!(sent.status, 0, "{}", sent.stderr);
    // The tracer writes what it saw when its program has gone.
    demo.stop();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let whole = std::fs::read_to_string(&trace).expect("read");
        if whole.contains("+++ exited") || std::time::Instant::now() > deadline {
            let from = usize::try_from(before).unwrap_or(0);
            // From the line that was being written when the document was sent.
            let from = whole[..from].rfind('\n').map_or(0, |at| at + 1);
            return whole[from..].to_owned();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn bytes_folder_database_and_only_then_the_answer() {
    assert_eq!(misordered(&traced(Serving::default())), Ok(()));
    // The same eyes see what is missing where something is left out.
    assert_eq!(
        misordered(&traced(Serving::default().fault("SKIP_FSYNC"))),
        Err("the segment had its name before its bytes were on the disk")
    );
    assert!(misordered(&traced(Serving::default().fault("ACK_BEFORE_COMMIT"))).is_err());
}
