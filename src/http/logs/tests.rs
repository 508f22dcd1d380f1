//! The log as written: levels, forms, and one line an event whatever the event holds (D4).

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

use super::Lines;
use crate::clock::{Clock, Timestamp};
use crate::config::{Format, Level, Log};

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn logged(level: Level, format: Format, act: impl FnOnce()) -> String {
    let sink = Sink::default();
    let clock = Clock::fixed(Timestamp::from_ms(1_000));
    let lines = Lines::new(&Log { level, format }, clock, sink.clone());
    tracing::subscriber::with_default(Registry::default().with(lines), act);
    let bytes = sink.0.lock().expect("no panic").clone();
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn an_event_is_one_object_with_the_fields_of_its_spans() {
    let text = logged(Level::Info, Format::Json, || {
        let span = tracing::info_span!("request", request = "00ff", token = "abc");
        let _inside = span.enter();
        tracing::info!(count = 3_u64, fine = true, cause = "a\nb", "done");
    });
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        value,
        serde_json::json!({
            "time": "1970-01-01T00:00:01.000Z", "level": "info",
            "target": "strongroom::http::logs::tests", "message": "done",
            "request": "00ff", "token": "[redacted]", "count": 3, "fine": true, "cause": "a\\u{a}b"
        })
    );
    let human = logged(Level::Info, Format::Human, || tracing::warn!(n = 1, a = "x y", "so"));
    assert_eq!(human, "1970-01-01T00:00:01.000Z WARN  so n=1 a=\"x y\"\n");
}

#[test]
fn libraries_never_say_more_than_warn() {
    let text = logged(Level::Trace, Format::Json, || {
        tracing::trace!("ours");
        tracing::info!(target: "hyper::proto", "theirs");
        tracing::debug!(target: "strongroomy", "theirs");
        tracing::warn!(target: "h2", "theirs at warn");
    });
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("theirs at warn") && text.contains("ours"));
    let quiet = logged(Level::Error, Format::Json, || tracing::warn!(target: "h2", "x"));
    assert!(quiet.is_empty());
}

/// What an attacker would put into a name to write lines of their own.
fn payloads() -> Vec<String> {
    let breaks = [
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "\u{b}",
        "\u{c}",
        "\u{1c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\0",
        "\u{1b}[2K\r",
        "\u{1b}]0;x\u{7}",
        "\u{9b}1A",
        "\u{202e}",
        "\u{8}\u{8}",
        "\\n",
        "%0a",
        "\"}\n{\"",
        "',\n'",
    ];
    let forged = [
        r#"{"time":"2026-01-01T00:00:00.000Z","level":"error","message":"forged"}"#,
        "2026-01-01T00:00:00.000Z ERROR forged",
        "<script>alert(1)</script>",
        "${jndi:ldap://x}",
        "\u{1b}[31mred",
    ];
    let shapes: [fn(&str, &str) -> String; 5] = [
        |b, f| format!("{b}{f}"),
        |b, f| format!("x{b}{f}{b}"),
        |b, f| format!("{f}{b}"),
        |b, f| format!("\"{b}{f}"),
        |b, f| format!("\\{b}{f}\\"),
    ];
    let mut all = Vec::new();
    for shape in shapes {
        for b in breaks {
            all.extend(forged.iter().map(|f| shape(b, f)));
        }
    }
    all
}

#[test]
fn no_payload_makes_a_line_of_its_own() {
    let payloads = payloads();
    assert_eq!(payloads.len(), 500);
    for format in [Format::Json, Format::Human] {
        let text = logged(Level::Trace, format, || {
            for payload in &payloads {
                let span = tracing::info_span!("s", in_span = payload);
                let _inside = span.enter();
                tracing::info!(value = payload, debug = ?payload, "{payload}");
            }
        });
        assert_eq!(text.matches('\n').count(), payloads.len());
        assert_eq!(text.lines().count(), payloads.len());
        let odd = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}' || c == '\u{2028}');
        assert!(!text.contains(odd));
        if format == Format::Json {
            for line in text.lines() {
                let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
                assert_eq!(value["level"], "info");
            }
        }
    }
}
