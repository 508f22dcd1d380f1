//! HTTP/1.1 heads read as strictly as the strictest proxy in front of us might.
//!
//! Refuses what two readers of one stream can frame differently: a line feed without its
//! carriage return or the other way round, `Transfer-Encoding` beside `Content-Length`, either
//! of them twice, a coding other than `chunked`, a length that is not plain digits. The HTTP
//! library below is lenient in some of these (RFC 9112 §2.2, §6.3 allow it). Invariant: a
//! refused head reaches it with one byte made invalid, so that it answers 400 and closes; every
//! other byte passes unchanged.

/// What an offending byte becomes: never allowed in a head (RFC 9110 §5.5).
const POISON: u8 = 0;

/// The longest framing header that is honest, in bytes.
const MAX_LINE_BYTES: usize = 64;

/// Where in a connection's bytes we are.
#[derive(Debug)]
pub(super) struct Strict {
    state: State,
}

#[derive(Debug)]
enum State {
    Head(Head),
    /// Bytes of a body still to pass.
    Body(u64),
    /// After a chunked request the connection closes; what follows is never read as a head.
    Rest,
}

#[derive(Debug, Default)]
struct Head {
    /// The line's first bytes, enough to tell whether it frames the body.
    line: Vec<u8>,
    length: Option<u64>,
    chunked: bool,
    /// A request line was seen; empty lines before it mean nothing (RFC 9112 §2.2).
    begun: bool,
    carriage_return: bool,
}

/// What a byte of a head leads to.
enum Step {
    More,
    Refuse,
    End,
}

impl Strict {
    pub(super) fn new() -> Self {
        Self { state: State::Head(Head::default()) }
    }

    /// Looks at bytes as they arrive and spoils the first that must not be.
    pub(super) fn pass(&mut self, bytes: &mut [u8]) {
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.state {
                State::Rest => return,
                State::Body(left) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    at += here;
                    *left -= here as u64;
                    if *left == 0 {
                        self.state = State::Head(Head::default());
                    }
                }
                State::Head(head) => {
                    match head.step(bytes[at]) {
                        Step::More => {}
                        Step::Refuse => {
                            bytes[at] = POISON;
                            self.state = State::Rest;
                        }
                        Step::End => {
                            self.state = match (head.chunked, head.length) {
                                (true, _) => State::Rest,
                                (false, Some(length)) if length > 0 => State::Body(length),
                                _ => State::Head(Head::default()),
                            };
                        }
                    }
                    at += 1;
                }
            }
        }
    }
}

impl Head {
    fn step(&mut self, byte: u8) -> Step {
        match (self.carriage_return, byte) {
            (false, b'\r') => self.carriage_return = true,
            (true, b'\n') => {
                self.carriage_return = false;
                return self.end_of_line();
            }
            (true, _) | (false, b'\n') => return Step::Refuse,
            (false, _) => {
                if self.line.len() <= MAX_LINE_BYTES {
                    self.line.push(byte);
                }
            }
        }
        Step::More
    }

    fn end_of_line(&mut self) -> Step {
        if self.line.is_empty() {
            return if self.begun { Step::End } else { Step::More };
        }
        let fine = !self.begun || self.frames();
        self.begun = true;
        self.line.clear();
        if fine { Step::More } else { Step::Refuse }
    }

    /// Reads the line if it frames the body; false when it may not stand.
    fn frames(&mut self) -> bool {
        let Some(colon) = self.line.iter().position(|b| *b == b':') else { return true };
        let name = self.line[..colon].trim_ascii();
        // Gateways to CGI and its kin take `_` for `-`.
        let is = |wanted: &[u8]| {
            let same = |(a, b): (&u8, &u8)| a.eq_ignore_ascii_case(b) || (*a, *b) == (b'_', b'-');
            name.len() == wanted.len() && name.iter().zip(wanted).all(same)
        };
        let (is_length, is_coding) = (is(b"content-length"), is(b"transfer-encoding"));
        if (is_length || is_coding) && name.contains(&b'_') {
            return false;
        }
        if !is_length && !is_coding {
            return true;
        }
        // The two once in all, and short enough to have been kept whole.
        if self.length.is_some() || self.chunked || self.line.len() > MAX_LINE_BYTES {
            return false;
        }
        let value = self.line[colon + 1..].trim_ascii();
        if is_coding {
            self.chunked = true;
            return value.eq_ignore_ascii_case(b"chunked");
        }
        self.length = std::str::from_utf8(value)
            .ok()
            .filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|text| text.parse().ok());
        self.length.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Passes `text` in pieces of every size; answers whether it came through unchanged.
    fn passes(text: &str) -> bool {
        let mut outcomes = Vec::new();
        for size in [1, 2, 3, 7, text.len().max(1)] {
            let mut bytes = text.as_bytes().to_vec();
            let mut strict = Strict::new();
            for piece in bytes.chunks_mut(size) {
                strict.pass(piece);
            }
            outcomes.push(bytes == text.as_bytes());
        }
        assert!(outcomes.windows(2).all(|w| w[0] == w[1]), "depends on the pieces: {text:?}");
        outcomes[0]
    }

    #[test]
    fn honest_requests_pass_unchanged() {
        let chunked = "PUT /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n";
        for text in [
            "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /b HTTP/1.1\r\nhost: a\r\n\r\n",
            "PUT /b HTTP/1.1\r\nContent-Length: 5\r\n\r\n\na\rb\nGET / HTTP/1.1\r\n\r\n",
            "PUT /b HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            chunked,
        ] {
            assert!(passes(text), "{text:?}");
        }
    }

    #[test]
    fn heads_that_two_readers_could_frame_differently_do_not() {
        for text in [
            "GET / HTTP/1.1\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nx: y\n\nGET /s HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nx: y\rz\r\n\r\n",
            "\nGET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
            "PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\na",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\na",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\na",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: identity\r\n\r\na",
            "PUT / HTTP/1.1\r\nTransfer-Encoding : chunked\r\nContent-Length: 1\r\n\r\na",
            "PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\na",
            "PUT / HTTP/1.1\r\nContent-Length: 18446744073709551616\r\n\r\na",
            "PUT / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\na",
            "PUT / HTTP/1.1\r\nContent-Length:\r\n\r\na",
            // The second request's head is looked at as well.
            "PUT / HTTP/1.1\r\nContent-Length: 1\r\n\r\naGET / HTTP/1.1\nhost: a\r\n\r\n",
        ] {
            assert!(!passes(text), "{text:?}");
        }
    }
}
