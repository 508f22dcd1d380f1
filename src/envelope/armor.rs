//! ASCII armor (C2SP age): strict PEM (RFC 7468, section 3), canonical base64 in lines of 64,
//! LF or CRLF, white space only before and after. Streaming, constant memory.

use std::io::{self, BufRead, BufReader, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::envelope::Error;

const BEGIN: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const END: &[u8] = b"-----END AGE ENCRYPTED FILE-----";
const COLUMNS: usize = 64;
const LINE_BYTES: usize = 48;
/// White space before and after the armor may be this long, as in other age tools.
const MAX_WHITESPACE: usize = 1024;

/// True when `beginning` is that of an armored file, white space in front aside.
pub fn looks_armored(beginning: &[u8]) -> bool {
    let text = beginning.trim_ascii_start();
    text.starts_with(BEGIN) || (!text.is_empty() && BEGIN.starts_with(text))
}

fn armor_error() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, Error::Armor)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Before,
    Lines,
    ShortLineSeen,
    After,
}

/// Reads the binary age file inside an armored one. A fault is an [`io::Error`] of kind
/// `InvalidData` around [`Error::Armor`].
pub struct ArmorReader<R> {
    inner: BufReader<R>,
    state: State,
    line: Vec<u8>,
    decoded: [u8; LINE_BYTES],
    from: usize,
    to: usize,
    /// Found after bytes that are handed out first.
    fault: Option<io::Error>,
}

impl<R: Read> ArmorReader<R> {
    /// Reads armor from `inner`.
    pub fn new(inner: R) -> Self {
        Self {
            inner: BufReader::with_capacity(64 * 1024, inner),
            state: State::Before,
            line: Vec::with_capacity(80),
            decoded: [0; LINE_BYTES],
            from: 0,
            to: 0,
            fault: None,
        }
    }

    /// Reads a line of at most `max` bytes, without its line end.
    fn read_line(&mut self, max: usize) -> io::Result<bool> {
        self.line.clear();
        let limit = max as u64 + 2;
        let read = (&mut self.inner).take(limit).read_until(b'\n', &mut self.line)?;
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
            if self.line.last() == Some(&b'\r') {
                self.line.pop();
            }
        }
        if self.line.len() > max { Err(armor_error()) } else { Ok(read > 0) }
    }

    fn skip_whitespace(&mut self) -> io::Result<()> {
        let mut skipped = 0;
        loop {
            let buffer = self.inner.fill_buf()?;
            let white = buffer.iter().take_while(|b| b.is_ascii_whitespace()).count();
            let more = white == buffer.len() && white > 0;
            self.inner.consume(white);
            skipped += white;
            if skipped > MAX_WHITESPACE {
                return Err(armor_error());
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Decodes the next line into `decoded`; leaves it empty at the end.
    fn fill(&mut self) -> io::Result<()> {
        if self.state == State::Before {
            self.skip_whitespace()?;
            if !self.read_line(COLUMNS)? || self.line != BEGIN {
                return Err(armor_error());
            }
            self.state = State::Lines;
        }
        if self.state == State::After {
            return Ok(());
        }
        if !self.read_line(COLUMNS)? {
            return Err(armor_error());
        }
        if self.line == END {
            self.state = State::After;
            self.skip_whitespace()?;
            return if self.inner.fill_buf()?.is_empty() { Ok(()) } else { Err(armor_error()) };
        }
        if self.state == State::ShortLineSeen || self.line.is_empty() {
            return Err(armor_error());
        }
        let len =
            STANDARD.decode_slice(&self.line, &mut self.decoded).map_err(|_| armor_error())?;
        if self.line.len() < COLUMNS || len < LINE_BYTES {
            self.state = State::ShortLineSeen;
        }
        (self.from, self.to) = (0, len);
        Ok(())
    }
}

impl<R: Read> Read for ArmorReader<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < out.len() {
            if self.from == self.to {
                if let Some(fault) = self.fault.take() {
                    // Whoever reads on after a fault gets it again.
                    self.fault = Some(armor_error());
                    return Err(fault);
                }
                match self.fill() {
                    Err(fault) => {
                        self.fault = Some(fault);
                        if written > 0 {
                            break;
                        }
                        continue;
                    }
                    Ok(()) if self.from == self.to => break,
                    Ok(()) => {}
                }
            }
            let len = (self.to - self.from).min(out.len() - written);
            out[written..written + len].copy_from_slice(&self.decoded[self.from..self.from + len]);
            self.from += len;
            written += len;
        }
        Ok(written)
    }
}

/// Writes an armored file. [`ArmorWriter::finish`] must be called at the end.
pub struct ArmorWriter<W: Write> {
    inner: W,
    text: Vec<u8>,
    held: Vec<u8>,
}

impl<W: Write> ArmorWriter<W> {
    /// Begins an armored file on `inner`.
    pub fn new(inner: W) -> Self {
        let mut text = BEGIN.to_vec();
        text.push(b'\n');
        Self { inner, text, held: Vec::with_capacity(LINE_BYTES) }
    }

    fn line(&mut self, bytes: &[u8]) {
        let mut encoded = [0; COLUMNS];
        let len = STANDARD
            .encode_slice(bytes, &mut encoded)
            .expect("48 bytes are 64 characters of base64");
        self.text.extend_from_slice(&encoded[..len]);
        self.text.push(b'\n');
    }

    /// Writes what is held back and the end line, and gives the inner writer back.
    ///
    /// # Errors
    /// Those of the inner writer.
    pub fn finish(mut self) -> io::Result<W> {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            self.line(&held);
        }
        self.text.extend_from_slice(END);
        self.text.push(b'\n');
        self.inner.write_all(&self.text)?;
        self.inner.flush()?;
        Ok(self.inner)
    }
}

impl<W: Write> Write for ArmorWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let full = held.len() - held.len() % LINE_BYTES;
        for line in held[..full].chunks(LINE_BYTES) {
            self.line(line);
        }
        self.held.extend_from_slice(&held[full..]);
        let text = std::mem::take(&mut self.text);
        self.inner.write_all(&text)?;
        self.text = text;
        self.text.clear();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives out one byte at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let len = self.0.len().min(out.len()).min(1);
            out[..len].copy_from_slice(&self.0[..len]);
            self.0 = &self.0[len..];
            Ok(len)
        }
    }

    fn armored(bytes: &[u8], step: usize) -> Vec<u8> {
        let mut writer = ArmorWriter::new(Vec::new());
        for part in bytes.chunks(step) {
            writer.write_all(part).expect("memory");
        }
        writer.finish().expect("memory")
    }

    proptest::proptest! {
        #[test]
        fn armor_gives_back_what_went_in(bytes: Vec<u8>, step in 1..200_usize) {
            let text = armored(&bytes, step);
            assert!(looks_armored(&text) && looks_armored(&[b" \n", text.as_slice()].concat()));
            let mut back = Vec::new();
            ArmorReader::new(Trickle(&text)).read_to_end(&mut back).expect("its own armor");
            assert_eq!(back, bytes);
        }
    }

    #[test]
    fn a_fault_comes_after_what_was_good_and_stays() {
        let mut text = armored(&[7; 200], 200);
        let third = text.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(2).expect("lines").0;
        text[third + 1] = b'!';
        let mut reader = ArmorReader::new(text.as_slice());
        let mut out = [0; 150];
        assert_eq!(reader.read(&mut out).expect("two good lines"), 96);
        for _ in 0..3 {
            assert_eq!(
                reader.read(&mut out).expect_err("a bad line").kind(),
                io::ErrorKind::InvalidData
            );
        }
    }
}
