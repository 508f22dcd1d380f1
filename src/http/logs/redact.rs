//! The last line of defence: what looks like a secret or a person is masked in every value.
//!
//! Masks fields whose name promises a secret, URLs, keys, tokens (base64 or hex of 40
//! characters or more, or 22 that look drawn at random), JWTs, mail addresses and IP
//! addresses; escapes control and direction-changing characters; cuts what is long. Ids (32
//! hex digits) stay: they lead from a log line to a document and tell nothing by themselves.
//!
//! It is not what keeps secrets out of the log: nothing logs them in the first place.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longer values are cut, in bytes.
const MAX_BYTES: usize = 1024;

/// Fields that are never shown, whatever they hold.
const SECRET_NAMES: &[&str] = &[
    "addr",
    "address",
    "authorization",
    "body",
    "cookie",
    "email",
    "file_name",
    "fragment",
    "header",
    "headers",
    "ip",
    "key",
    "login",
    "mail",
    "name",
    "note",
    "passphrase",
    "password",
    "peer",
    "query",
    "remote",
    "secret",
    "token",
    "uri",
    "url",
    "user_agent",
];

/// The value of the field `name`.
pub(super) fn field(name: &str, text: &str) -> String {
    if SECRET_NAMES.contains(&name) { "[redacted]".to_owned() } else { value(text) }
}

/// `text` without what must not be in a log, on one line.
pub fn value(text: &str) -> String {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut out = String::with_capacity(end + 8);
    // A word that the cut runs through is masked by what is left of it, or dropped with it.
    let mut word_start = None;
    for (at, c) in text[..end].char_indices() {
        if separates(c) {
            if let Some(start) = word_start.take() {
                out.push_str(&word(&text[start..at]));
            }
            escape(c, &mut out);
        } else {
            word_start.get_or_insert(at);
        }
    }
    match word_start {
        Some(start) if end == text.len() => out.push_str(&word(&text[start..end])),
        _ => {}
    }
    if end < text.len() {
        out.push('…');
    }
    out
}

fn separates(c: char) -> bool {
    c.is_whitespace()
        || unprintable(c)
        || matches!(
            c,
            '"' | '\'' | '`' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' | '|'
        )
}

/// Moves the cursor, colours the screen, reverses the text or breaks the line.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn escape(c: char, out: &mut String) {
    if unprintable(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// A word between separators, or what stands for it.
fn word(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    if lower.contains("://") || lower.contains('#') && lower.contains('/') {
        return "[url]".into();
    }
    if lower.contains("age-secret-key") || has_recipient(&lower) {
        return "[key]".into();
    }
    if text.contains('@') {
        return "[mail]".into();
    }
    if text.starts_with("eyJ") && text.len() > 20 {
        return "[token]".into();
    }
    if text.split('=').any(is_address) {
        return "[address]".into();
    }
    if runs(text).any(looks_random) {
        return "[token]".into();
    }
    text.into()
}

fn has_recipient(lower: &str) -> bool {
    lower
        .match_indices("age1")
        .any(|(at, _)| lower[at + 4..].bytes().take_while(u8::is_ascii_alphanumeric).count() >= 16)
}

fn is_address(text: &str) -> bool {
    let text = text.trim_end_matches(['.', ':', '!', '?']);
    let text = text.rsplit('@').next().unwrap_or(text);
    let host = text.split_once(['/', '%']).map_or(text, |(host, _)| host);
    if host.parse::<IpAddr>().is_ok_and(|ip| ip != IpAddr::V6(Ipv6Addr::UNSPECIFIED)) {
        return true;
    }
    // With a port, or with something in front of it.
    host.split(':').any(|part| part.parse::<Ipv4Addr>().is_ok())
}

/// The runs of characters of which base64, base64url and hex are made.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/')))
}

fn looks_random(run: &str) -> bool {
    // A path is many short names; a token has no business with slashes every few letters.
    let longest = run.split('/').map(str::len).max().unwrap_or(0);
    let has = |test: fn(&u8) -> bool| run.bytes().any(|b| test(&b));
    let (upper, lower, digit) =
        (has(u8::is_ascii_uppercase), has(u8::is_ascii_lowercase), has(u8::is_ascii_digit));
    let mixed = upper && lower;
    (run.len() >= 40 && (mixed || digit && longest >= 16))
        || (longest >= 22 && mixed && digit)
        || (longest >= 40 && digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_people_are_masked() {
        for (text, shown) in [
            ("token 3q2-7wQxkAm9vVh0Y5cFv1bJd8sLr2pTn6uXzEoGiHk", "token [token]"),
            ("k=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "[token]"),
            ("x/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "[token]"),
            ("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "[token]"),
            ("kXp3J9sQe7Lw2VtZ0aBcDe", "[token]"),
            ("see https://a.example/u/1#AbC", "see [url]"),
            ("/u/00112233445566778899aabbccddeeff#AbC", "[url]"),
            ("to age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", "to [key]"),
            ("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZ", "[key]"),
            ("(zhang@files.example.cn)", "([mail])"),
            ("from 192.0.2.7:4431, then", "from [address], then"),
            ("peer=192.0.2.7", "[address]"),
            ("[2001:db8::1]:8443", "[[address]]:8443"),
            ("::ffff:192.0.2.7", "[address]"),
            ("fe80::1%eth0", "[address]"),
            ("eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln", "[token]"),
        ] {
            assert_eq!(value(text), shown);
        }
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "src/http/server/connection.rs:120",
            "/api/v1/documents/{document}/pieces",
            "00112233445566778899aabbccddeeff",
            "strongroom::http::middleware",
            "2026-11-24T04:04:16.123Z",
            "a_rather_long_name_of_some_function_in_this_program",
            "no such file or directory (os error 2)",
            "范围 1-2/3",
        ] {
            assert_eq!(value(text), text);
        }
    }

    #[test]
    fn a_value_stays_on_its_line() {
        assert_eq!(
            value("a\r\nb\u{1b}[31mc\u{202e}d\u{85}"),
            "a\\u{d}\\u{a}b\\u{1b}[31mc\\u{202e}d\\u{85}"
        );
        let long = value(&"word ".repeat(1000));
        assert!(long.len() <= MAX_BYTES + '…'.len_utf8() && long.ends_with('…'));
        let secret = format!("{} {}", "x".repeat(1010), "Secret0Token0".repeat(10));
        assert!(!value(&secret).contains("Secret0"));
    }

    #[test]
    fn some_fields_are_never_shown() {
        assert_eq!(field("authorization", "Basic x"), "[redacted]");
        assert_eq!(field("route", "/healthz"), "/healthz");
    }

    proptest::proptest! {
        #[test]
        fn no_token_of_256_bits_passes(bytes: [u8; 32], before in "[a-z =:\"(]{0,9}") {
            use base64::Engine;
            use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
            for text in [URL_SAFE_NO_PAD.encode(bytes), STANDARD.encode(bytes), hex::encode(bytes)] {
                let shown = value(&format!("{before}{text}"));
                proptest::prop_assert!(!shown.contains(&text[..20]), "{shown}");
            }
        }
    }
}
