//! Fingerprints as words that people read aloud to each other, from one published list for each
//! language (`words/README.md`).
//!
//! Eight words of 2048 are the first 88 bits of a fingerprint, which nobody makes a second key
//! for. Refuses whatever is not all eight of them. Invariant: both languages say the same bits.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Serialize;

use crate::envelope::statement::Hash;

const ENGLISH: &str = include_str!("words/english.txt");
const CHINESE: &str = include_str!("words/chinese_simplified.txt");

/// Bits of one word.
const BITS: usize = 11;
/// Words of one fingerprint.
const COUNT: usize = 8;

/// A word list, both ways.
struct List {
    words: Vec<&'static str>,
    places: HashMap<&'static str, u16>,
}

impl List {
    fn read(text: &'static str) -> Self {
        let words: Vec<_> = text.lines().collect();
        let places = (0..).zip(&words).map(|(place, word)| (*word, place)).collect();
        Self { words, places }
    }

    fn say(&self, places: &[u16; COUNT]) -> String {
        let words: Vec<&str> = places.iter().map(|place| self.words[usize::from(*place)]).collect();
        words.join(" ")
    }
}

static LISTS: LazyLock<[List; 2]> = LazyLock::new(|| [List::read(ENGLISH), List::read(CHINESE)]);

/// The words of one fingerprint, in each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spoken {
    /// Eight English words.
    pub en: String,
    /// Eight Chinese characters.
    pub zh: String,
}

/// The first 88 bits of a fingerprint, eleven at a time.
fn places(fingerprint: &Hash) -> [u16; COUNT] {
    let mut places = [0; COUNT];
    for (at, place) in places.iter_mut().enumerate() {
        for bit in at * BITS..(at + 1) * BITS {
            *place = *place << 1 | u16::from(fingerprint.0[bit / 8] >> (7 - bit % 8) & 1);
        }
    }
    places
}

/// The words for `fingerprint`.
pub fn spoken(fingerprint: &Hash) -> Spoken {
    let places = places(fingerprint);
    let [en, zh] = LISTS.each_ref().map(|list| list.say(&places));
    Spoken { en, zh }
}

/// Whether `text` says `fingerprint`: its eight words in either language, however they are
/// spaced, or the whole of it in hex.
pub fn says(text: &str, fingerprint: &Hash) -> bool {
    let text = text.trim().to_lowercase();
    if text.parse::<Hash>().is_ok_and(|hash| hash == *fingerprint) {
        return true;
    }
    let [english, chinese] = &*LISTS;
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '-' | ',' | '、' | '，');
    let in_english = || -> Option<Vec<u16>> {
        let words = text.split(is_gap).filter(|word| !word.is_empty());
        words.map(|word| english.places.get(word).copied()).collect()
    };
    let in_chinese = || -> Option<Vec<u16>> {
        let words = text.char_indices().filter(|(_, c)| !is_gap(*c));
        words.map(|(at, c)| chinese.places.get(&text[at..at + c.len_utf8()]).copied()).collect()
    };
    let said = in_english().or_else(in_chinese);
    said.is_some_and(|said| said == places(fingerprint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_the_published_ones() {
        for (text, published) in [
            (ENGLISH, "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"),
            (CHINESE, "5c5942792bd8340cb8b27cd592f1015edf56a8c5b26276ee18a482428e7c5726"),
        ] {
            assert_eq!(Hash::of(text.as_bytes()).to_string(), published);
        }
        assert!(LISTS.iter().all(|list| list.words.len() == 2048 && list.places.len() == 2048));
        assert!(CHINESE.lines().all(|word| word.chars().count() == 1));
    }

    #[test]
    fn words_are_eleven_bits_each_from_the_front() {
        // The beginnings of vectors of BIP-0039: entropy and its first eight words.
        for (entropy, en, zh) in [
            (
                "00",
                "abandon abandon abandon abandon abandon abandon abandon abandon",
                "的的的的的的的的",
            ),
            ("7f", "legal winner thank year wave sausage worth useful", "枪疫霉尝俩闹饿贤"),
            ("80", "letter advice cage absurd amount doctor acoustic avoid", "壤对据人三谈我表"),
            ("ff", "zoo zoo zoo zoo zoo zoo zoo zoo", "歇歇歇歇歇歇歇歇"),
        ] {
            let fingerprint: Hash = entropy.repeat(32).parse().expect("hex");
            let spoken = spoken(&fingerprint);
            assert_eq!(spoken.en, en);
            assert_eq!(spoken.zh.replace(' ', ""), zh);
        }
    }

    #[test]
    fn words_are_understood_however_they_are_typed_and_no_others() {
        let fingerprint = Hash::of(b"a key");
        let Spoken { en, zh } = spoken(&fingerprint);
        let tight = zh.replace(' ', "");
        for same in [&en, &en.to_uppercase(), &en.replace(' ', "-"), &zh, &tight] {
            assert!(says(same, &fingerprint), "{same}");
        }
        assert!(says(&fingerprint.to_string(), &fingerprint));
        let short = en.rsplit_once(' ').expect("words").0;
        let longer = format!("{en} zoo");
        let hex = &fingerprint.to_string()[..32];
        for other in ["", short, &longer, &spoken(&Hash::of(b"another")).en, hex, "x"] {
            assert!(!says(other, &fingerprint), "{other}");
        }
        for bit in 0..88 {
            let mut other = fingerprint;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert!(!says(&en, &other) && !says(&zh, &other), "bit {bit}");
        }
    }
}
