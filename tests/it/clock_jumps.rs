//! Row A11: a gateway whose machine's clock is wrong. What has expired stays expired, and what
//! has not is not destroyed.

use std::time::{Duration, Instant};

use crate::shares::{open_share, seen, sent};
use crate::support::demo::{Demo, Serving, noise, text};

/// A gateway whose machine is so far off. The `faketime` program would be a process in between.
fn shifted(shift: &str) -> Serving {
    let asked = std::process::Command::new("faketime").args(["-f", shift, "env"]).output();
    let told = String::from_utf8_lossy(&asked.expect("faketime runs").stdout).into_owned();
    let library =
        told.lines().find_map(|line| line.strip_prefix("LD_PRELOAD=")).expect("a library");
    Serving::default()
        .with("LD_PRELOAD", library)
        .with("FAKETIME", shift)
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

#[test]
fn an_expired_link_stays_expired_whatever_the_clock_says() {
    let mut demo = Demo::start();
    let documents = sent(&demo, "bank", &[("a.bin", &noise(1000, 9))]);
    let short = open_share(&demo, &documents, &["--expires", "1h", "--max-downloads", "20"]);
    let long = open_share(&demo, &documents, &["--expires", "10d", "--max-downloads", "20"]);
    let client = demo.client("principal");
    let words = ["request", "--client", &client, "--expires", "1h"];
    let request = demo.run("accountant", &words).ok();
    let request = request["url"].as_str().expect("a link").to_owned();
    let file = text(&demo.file("x.txt", b"x"));
    let address = demo.address();
    assert_eq!(short.receive(&demo, "early").ok()[0]["verified"], true);

    // Two hours on, both are over, and by now the gateway knows that so much has passed.
    let database = demo.data().join("strongroom.db");
    let later = |demo: &mut Demo, serving: &Serving| {
        demo.stop();
        demo.serve_as(address, serving);
    };
    let noted = || {
        let out = std::process::Command::new("sqlite3")
            .arg(&database)
            .arg("PRAGMA busy_timeout = 5000; SELECT at FROM passed_time")
            .output()
            .expect("sqlite3 runs");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        text.lines().last().and_then(|line| line.trim().parse::<i64>().ok()).unwrap_or(0)
    };
    let began = noted();
    // Less than an hour at a time is a clock that is being set right.
    for shift in ["+50m", "+100m", "+150m"] {
        later(&mut demo, &shifted(shift));
        let until = Instant::now() + Duration::from_secs(30);
        let minutes: i64 = shift.trim_matches(['+', 'm']).parse().expect("minutes");
        while noted() < began + minutes * 60_000 - 60_000 {
            assert!(Instant::now() < until, "{shift}: the time is not noted");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let over = |demo: &Demo, what: &str| {
        let refused = short.receive(demo, &format!("late{what}"));
        assert_eq!((refused.status, refused.code()), (3, "share_not_open".into()), "{what}");
        let send = ["send", &file, "--link", &request, "--from", "李四"];
        assert_eq!(demo.run(&format!("sender{what}"), &send).status, 3, "{what}");
        assert_eq!(seen(demo, "accountant", &short.id)["state"], "expired", "{what}");
    };
    over(&demo, "ahead");
    // Set right again, and wrong the other way: nothing comes back.
    for shift in ["+0", "-1h", "-1d"] {
        later(&mut demo, &shifted(shift));
        over(&demo, shift);
        assert_eq!(long.receive(&demo, &format!("long{shift}")).ok()[0]["verified"], true);
    }
    let passed = noted();
    // Weeks ahead everything is over; taken back, nothing was lost by it.
    later(&mut demo, &shifted("+15d"));
    assert_eq!(long.receive(&demo, "weeks").status, 3);
    assert!(noted() < passed + 3_600_000, "a jump is not noted as time that has passed");
    later(&mut demo, &Serving::default());
    assert_eq!(long.receive(&demo, "again").ok()[0]["verified"], true);
    over(&demo, "again");
}
