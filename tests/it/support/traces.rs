//! Looks for traces of secrets in bytes, in every form that they may have been written in.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Looks for many needles at once.
pub(crate) struct Searcher {
    /// By their first two bytes: what they are called, and all of them.
    needles: BTreeMap<[u8; 2], Vec<(String, Vec<u8>)>>,
    /// Which first two bytes there are.
    begins: Vec<bool>,
}

/// Every form in which `secret` could have been written down.
pub(crate) fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut forms = vec![
        ("as it is", secret.to_vec()),
        ("hex", hex::encode(secret).into_bytes()),
        ("HEX", hex::encode_upper(secret).into_bytes()),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let units: Vec<u16> = text.encode_utf16().collect();
        forms.push(("UTF-16LE", units.iter().flat_map(|unit| unit.to_le_bytes()).collect()));
        forms.push(("UTF-16BE", units.iter().flat_map(|unit| unit.to_be_bytes()).collect()));
        let escaped = |byte: &u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(*byte).into()
            }
            other => format!("%{other:02X}"),
        };
        forms.push(("percent", secret.iter().map(escaped).collect::<String>().into_bytes()));
        let json = serde_json::to_string(text).expect("text");
        forms.push(("JSON", json.trim_matches('"').as_bytes().to_vec()));
    }
    for (name, engine) in [("base64", &STANDARD_NO_PAD), ("base64url", &URL_SAFE_NO_PAD)] {
        for before in 0..3 {
            // Characters that hold bits of neighbours too are left out.
            let padded = [vec![0; before], secret.to_vec()].concat();
            let text = engine.encode(&padded);
            let first = (before * 8).div_ceil(6);
            let last = padded.len() * 8 / 6;
            forms.push((name, text.as_bytes()[first..last].to_vec()));
        }
    }
    forms
}

impl Searcher {
    /// For these, each with what it is called.
    pub(crate) fn new<'a>(secrets: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Self {
        let mut needles: BTreeMap<[u8; 2], Vec<(String, Vec<u8>)>> = BTreeMap::new();
        let mut begins = vec![false; 1 << 16];
        for (name, secret) in secrets {
            assert!(secret.len() >= 8, "{name} is too short to mean anything");
            for (form, needle) in forms(&secret) {
                let begin = [needle[0], needle[1]];
                begins[usize::from(u16::from_be_bytes(begin))] = true;
                needles.entry(begin).or_default().push((format!("{name} ({form})"), needle));
            }
        }
        Self { needles, begins }
    }

    /// What is found in `bytes`.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        for at in 0..bytes.len().saturating_sub(1) {
            let begin = [bytes[at], bytes[at + 1]];
            if !self.begins[usize::from(u16::from_be_bytes(begin))] {
                continue;
            }
            for (name, needle) in self.needles.get(&begin).into_iter().flatten() {
                if bytes[at..].starts_with(needle) && !found.contains(name) {
                    found.push(name.clone());
                }
            }
        }
        found
    }
}
