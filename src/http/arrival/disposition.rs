//! What a part of a form says of itself: the name and media type of a file.
//!
//! Takes what curl and browsers write (RFC 7578, section 4.2; WHATWG), and the forms of other
//! senders: `filename*=` in UTF-8 (RFC 8187), which goes before the plain one, and a name
//! without quotes. A part that names no file is none.

use zeroize::Zeroizing;

/// The longest media type that is kept, in characters.
const MAX_MEDIA_TYPE: usize = 128;

/// Name and media type of a part that is a file.
pub(super) fn described(header: &[u8]) -> Option<(Zeroizing<String>, String)> {
    let header = Zeroizing::new(String::from_utf8_lossy(header).into_owned());
    let mut name = None;
    let mut media_type = String::new();
    for line in header.split("\r\n") {
        let Some((key, value)) = line.split_once(':') else { continue };
        if key.eq_ignore_ascii_case("content-disposition") {
            name = file_name(value);
        } else if key.eq_ignore_ascii_case("content-type") {
            media_type = value.trim().chars().take(MAX_MEDIA_TYPE).collect();
        }
    }
    name.map(|name| (name, media_type))
}

fn file_name(disposition: &str) -> Option<Zeroizing<String>> {
    let (_, mut rest) = disposition.split_once(';')?;
    let (mut plain, mut extended) = (None, None);
    while let Some((key, value, after)) = parameter(rest) {
        if key.eq_ignore_ascii_case("filename") {
            plain = Some(without_escapes(value));
        } else if key.eq_ignore_ascii_case("filename*") {
            extended = extended_value(&value);
        }
        rest = after;
    }
    // A field of a form in which nobody chose a file has an empty name.
    extended.or(plain).filter(|name| !name.is_empty())
}

/// The first `key=value`, its value without quotes, and what comes behind it.
fn parameter(text: &str) -> Option<(&str, Zeroizing<String>, &str)> {
    let (key, rest) = text.split_once('=')?;
    // Something without a value may stand in front.
    let key = key.rsplit(';').next().unwrap_or_default().trim();
    let rest = rest.trim_start();
    let Some(quoted) = rest.strip_prefix('"') else {
        let end = rest.find(';').unwrap_or(rest.len());
        let value = Zeroizing::new(rest[..end].trim_end().to_owned());
        return Some((key, value, rest.get(end + 1..).unwrap_or_default()));
    };
    let mut value = Zeroizing::new(String::new());
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match (c, characters.peek()) {
            ('"', _) => {
                let after = &quoted[at + 1..];
                return Some((key, value, after.split_once(';').map_or("", |(_, rest)| rest)));
            }
            // Browsers write a lone backslash as it is.
            ('\\', Some((_, escaped @ ('"' | '\\')))) => {
                value.push(*escaped);
                characters.next();
            }
            _ => value.push(c),
        }
    }
    None
}

/// The three escapes of WHATWG's forms.
fn without_escapes(mut name: Zeroizing<String>) -> Zeroizing<String> {
    for (escaped, plain) in [("%22", "\""), ("%0D", "\r"), ("%0A", "\n")] {
        if name.contains(escaped) {
            name = Zeroizing::new(name.replace(escaped, plain));
        }
    }
    name
}

/// `UTF-8'LANGUAGE'PERCENT-ENCODED` (RFC 8187, section 3.2.1); nothing for other character sets
/// and what is no text.
fn extended_value(value: &str) -> Option<Zeroizing<String>> {
    let (charset, rest) = value.split_once('\'')?;
    let (_, encoded) = rest.split_once('\'')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(disposition: &str) -> Option<String> {
        let header = format!("content-disposition: form-data; name=\"file\"{disposition}");
        described(header.as_bytes()).map(|(name, _)| (*name).clone())
    }

    #[test]
    fn names_are_read_however_they_are_written() {
        let cases = [
            ("; filename=\"a b.pdf\"", "a b.pdf"),
            ("; filename=\"对账单.pdf\"", "对账单.pdf"),
            ("; filename=\"say \\\"hi\\\".txt\"", "say \"hi\".txt"),
            ("; filename=\"say %22hi%22.txt\"", "say \"hi\".txt"),
            ("; filename=\"C:\\temp\\a.txt\"", "C:\\temp\\a.txt"),
            ("; filename=\"a;b=c.txt\"", "a;b=c.txt"),
            ("; filename=plain.pdf", "plain.pdf"),
            ("; FileName = plain.pdf ; x=y", "plain.pdf"),
            ("; filename*=UTF-8''%E5%AF%B9%E8%B4%A6%E5%8D%95.pdf", "对账单.pdf"),
            ("; filename*=utf-8'zh'%e5%8d%95; filename=\"x\"", "单"),
            ("; filename=\"x\"; filename*=UTF-8''y%20z", "y z"),
            ("; filename=\"x\"; filename*=ISO-8859-1''%e4", "x"),
            ("; filename=\"x\"; filename*=UTF-8''%zz", "x"),
            ("; filename=\"x\"; filename*=UTF-8''%ff", "x"),
        ];
        for (disposition, expected) in cases {
            assert_eq!(name(disposition).as_deref(), Some(expected), "{disposition}");
        }
    }

    #[test]
    fn a_part_that_names_no_file_is_none() {
        for disposition in ["", "; filename=\"\"", "; filename=", "; filename=\"open", "; x"] {
            assert_eq!(name(disposition), None, "{disposition}");
        }
        assert!(described(b"content-type: text/plain").is_none());
    }
}
