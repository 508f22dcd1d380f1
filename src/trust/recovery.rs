//! The firm's recovery key in three shares, any two of which give it back.
//!
//! Shamir's scheme over GF(2^8) mod 0x11b (the field of FIPS 197, section 4), byte by byte:
//! share x = seed + x·slope for x = 1, 2, 3 and a random slope. One share says nothing at
//! all about the seed. A share file is text that a person can print.

use std::fmt;
use std::str::FromStr;

use crate::envelope::statement::Hash;
use crate::ids::RootId;
use crate::secrets::Secret;

/// Why shares give no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShareError {
    /// The text is not a share file, or was damaged.
    #[error("this is not a recovery share, or it is damaged")]
    Malformed,
    /// The same share twice.
    #[error("these are the same share; two different ones are needed")]
    SameShare,
    /// Shares of different firms or different recovery keys.
    #[error("these shares do not belong together")]
    Strangers,
}

/// One of three shares.
#[derive(Clone, Debug)]
pub struct Share {
    root: RootId,
    number: u8,
    value: Secret<32>,
}

/// Splits a seed into three shares.
pub fn split(seed: &Secret<32>, root: RootId) -> [Share; 3] {
    let slope = Secret::<32>::random();
    [1, 2, 3].map(|number| {
        let mut value = [0; 32];
        for (out, (s, m)) in value.iter_mut().zip(seed.expose().iter().zip(slope.expose())) {
            *out = s ^ multiply(number, *m);
        }
        Share { root, number, value: Secret::new(value) }
    })
}

/// Joins two different shares of one firm. Whether the seed is the right one only the
/// published recipients can tell.
pub fn join(a: &Share, b: &Share) -> Result<Secret<32>, ShareError> {
    if a.root != b.root {
        return Err(ShareError::Strangers);
    }
    if a.number == b.number {
        return Err(ShareError::SameShare);
    }
    // Lagrange at 0: seed = a·xb/(xa+xb) + b·xa/(xa+xb); minus is plus in this field.
    let scale = invert(a.number ^ b.number);
    let (at_a, at_b) = (multiply(b.number, scale), multiply(a.number, scale));
    let mut seed = [0; 32];
    for (out, (ya, yb)) in seed.iter_mut().zip(a.value.expose().iter().zip(b.value.expose())) {
        *out = multiply(at_a, *ya) ^ multiply(at_b, *yb);
    }
    Ok(Secret::new(seed))
}

/// Multiplication in GF(2^8) mod x^8+x^4+x^3+x+1, without branches or tables that depend on
/// the values.
const fn multiply(mut a: u8, b: u8) -> u8 {
    let mut product = 0;
    let mut bit = 0;
    while bit < 8 {
        product ^= a & 0_u8.wrapping_sub((b >> bit) & 1);
        let carry = 0_u8.wrapping_sub(a >> 7);
        a = (a << 1) ^ (carry & 0x1b);
        bit += 1;
    }
    product
}

/// The inverse: a^254.
const fn invert(a: u8) -> u8 {
    let mut result = 1;
    let mut power = a;
    let mut bit = 1;
    while bit < 8 {
        power = multiply(power, power);
        result = multiply(result, power);
        bit += 1;
    }
    result
}

const FIRST_LINE: &str = "strongroom/v1/recovery-share";

impl Share {
    /// Which of the three it is.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The firm it belongs to.
    pub fn root(&self) -> RootId {
        self.root
    }

    fn checksum(&self) -> String {
        let mut bytes = vec![self.number];
        bytes.extend_from_slice(self.root.as_bytes());
        bytes.extend_from_slice(self.value.expose());
        Hash::of(&bytes).to_string()[..8].to_owned()
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        writeln!(f, "root {}", self.root)?;
        writeln!(f, "share {} of 3, any 2 open", self.number)?;
        let digits = hex::encode_upper(self.value.expose());
        for line in [&digits[..32], &digits[32..]] {
            let groups: Vec<_> = (0..8).map(|i| &line[i * 4..i * 4 + 4]).collect();
            writeln!(f, "{}", groups.join(" "))?;
        }
        writeln!(f, "check {}", self.checksum())
    }
}

impl FromStr for Share {
    type Err = ShareError;

    /// Reads a share file; lines that begin with `#`, empty lines, case and spacing of the
    /// digits do not matter, since people type it in again.
    fn from_str(text: &str) -> Result<Self, ShareError> {
        let mut lines =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut next = || lines.next().ok_or(ShareError::Malformed);
        if next()? != FIRST_LINE {
            return Err(ShareError::Malformed);
        }
        let root = next()?.strip_prefix("root ").ok_or(ShareError::Malformed)?;
        let number = next()?.strip_prefix("share ").and_then(|l| l.split(' ').next());
        let number = number.and_then(|n| n.parse().ok()).ok_or(ShareError::Malformed)?;
        let digits: String =
            [next()?, next()?].concat().chars().filter(|c| !c.is_whitespace()).collect();
        let bytes =
            zeroize::Zeroizing::new(hex::decode(digits).map_err(|_| ShareError::Malformed)?);
        let check = next()?.strip_prefix("check ").ok_or(ShareError::Malformed)?;
        let share = Self {
            root: root.parse().map_err(|_| ShareError::Malformed)?,
            number,
            value: Secret::from_slice(&bytes).ok_or(ShareError::Malformed)?,
        };
        let whole = (1..=3).contains(&share.number) && share.checksum() == check.to_lowercase();
        if whole { Ok(share) } else { Err(ShareError::Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: RootId = RootId::from_bytes([7; 16]);

    #[test]
    fn the_field_is_that_of_fips_197() {
        // FIPS 197, section 4.2: {57}·{83} = {c1}, {57}·{13} = {fe}.
        assert_eq!(multiply(0x57, 0x83), 0xc1);
        assert_eq!(multiply(0x57, 0x13), 0xfe);
        for a in 1..=255 {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }

    #[test]
    fn any_two_shares_give_the_seed_and_one_does_not() {
        let seed = Secret::<32>::random();
        let shares = split(&seed, ROOT);
        for (i, j) in [(0, 1), (1, 0), (0, 2), (1, 2)] {
            assert_eq!(join(&shares[i], &shares[j]).expect("two shares"), seed);
        }
        assert_eq!(join(&shares[1], &shares[1]).err(), Some(ShareError::SameShare));
        let strangers = split(&seed, RootId::from_bytes([8; 16]));
        assert_eq!(join(&shares[0], &strangers[1]).err(), Some(ShareError::Strangers));
        assert!(shares.iter().all(|s| s.value != seed));
        let other = split(&seed, ROOT);
        assert_ne!(join(&shares[0], &other[1]).expect("numbers differ"), seed, "another split");
    }

    #[test]
    fn a_share_survives_paper_and_no_damage_goes_unnoticed() {
        let [share, ..] = split(&Secret::random(), ROOT);
        let text = share.to_string();
        let typed = format!("# 第一份\n\n{}", text.replace("check", "  check").to_lowercase());
        assert_eq!(typed.parse::<Share>().expect("a share").value, share.value);
        for (at, byte) in text.bytes().enumerate() {
            let line = text[..at].lines().count();
            if byte.is_ascii_hexdigit() && line >= 4 {
                let mut damaged = text.clone().into_bytes();
                damaged[at] = if byte == b'0' { b'1' } else { b'0' };
                let damaged = String::from_utf8(damaged).expect("ASCII");
                assert_eq!(damaged.parse::<Share>().err(), Some(ShareError::Malformed), "{at}");
            }
        }
    }
}
