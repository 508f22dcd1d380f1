//! Bech32 as in BIP 173, without its length limit (C2SP age, "Conventions"). Constant work per
//! character; mixed case and non-zero padding are refused, so one value has one text per case.

use zeroize::Zeroizing;

const CHARSET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
const CHECKSUM_LEN: usize = 6;

fn polymod(state: u32, value: u8) -> u32 {
    let top = state >> 25;
    let mut next = ((state & 0x01ff_ffff) << 5) ^ u32::from(value);
    for (bit, generator) in GENERATOR.iter().enumerate() {
        if (top >> bit) & 1 == 1 {
            next ^= generator;
        }
    }
    next
}

fn prefix_state(prefix: &[u8]) -> u32 {
    let high = prefix.iter().map(|c| c >> 5);
    let low = prefix.iter().map(|c| c & 31);
    high.chain([0]).chain(low).fold(1, polymod)
}

/// Encodes `data` under the lower-case `prefix`, in lower case.
pub(super) fn encode(prefix: &str, data: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(prefix.len() + 8 + data.len() * 8 / 5));
    text.push_str(prefix);
    text.push('1');
    let mut state = prefix_state(prefix.as_bytes());
    let mut emit = |value: u8| {
        state = polymod(state, value);
        text.push(char::from(CHARSET[usize::from(value)]));
    };
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in data {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            emit((held >> bits & 31) as u8);
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        emit((held << (5 - bits) & 31) as u8);
    }
    let checksum = [0; CHECKSUM_LEN].into_iter().fold(state, polymod) ^ 1;
    for i in 0..CHECKSUM_LEN {
        let value = (checksum >> (5 * (CHECKSUM_LEN - 1 - i))) & 31;
        text.push(char::from(CHARSET[value as usize]));
    }
    text
}

/// Decodes `text` into its lower-case prefix and its data; `None` when it is not Bech32.
pub(super) fn decode(text: &str) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let bytes = text.as_bytes();
    let lower = bytes.iter().any(u8::is_ascii_lowercase);
    let upper = bytes.iter().any(u8::is_ascii_uppercase);
    if (lower && upper) || !bytes.iter().all(|c| (33..=126).contains(c)) {
        return None;
    }
    let separator = text.rfind('1')?;
    let prefix = text.get(..separator)?.to_ascii_lowercase();
    let symbols = bytes.get(separator + 1..)?;
    if prefix.is_empty() || symbols.len() < CHECKSUM_LEN {
        return None;
    }
    let mut state = prefix_state(prefix.as_bytes());
    let mut data = Zeroizing::new(Vec::with_capacity(symbols.len() * 5 / 8));
    let (mut held, mut bits) = (0_u32, 0_u32);
    let data_symbols = symbols.len() - CHECKSUM_LEN;
    for (i, symbol) in symbols.iter().enumerate() {
        let value = CHARSET.iter().position(|c| *c == symbol.to_ascii_lowercase())?;
        let value = u8::try_from(value).ok()?;
        state = polymod(state, value);
        if i < data_symbols {
            held = (held << 5) | u32::from(value);
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                data.push((held >> bits & 0xff) as u8);
            }
            held &= (1 << bits) - 1;
        }
    }
    (state == 1 && bits < 5 && held == 0).then_some((prefix, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_age_specification() {
        let (prefix, data) =
            decode("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
                .expect("valid");
        assert_eq!((prefix.as_str(), data.as_slice()), ("age-secret-key-", &[0x42; 32][..]));
        let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
        let (prefix, data) = decode(recipient).expect("valid");
        assert_eq!(encode(&prefix, &data).as_str(), recipient);
    }

    #[test]
    fn what_is_not_bech32_is_refused() {
        for text in [
            "",
            "1",
            "age1",
            "age1qqqqq",
            "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwJ",
            "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk",
            "age1bvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
            "ag\u{e9}1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj",
        ] {
            assert!(decode(text).is_none(), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_was_encoded_decodes(data: Vec<u8>) {
            let text = encode("age", &data);
            let (prefix, back) = decode(&text).expect("valid");
            assert_eq!((prefix.as_str(), &*back), ("age", &data));
            assert!(decode(&text.to_ascii_uppercase()).is_some());
        }
    }
}
