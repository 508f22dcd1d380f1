//! Reads a header line by line, as bytes arrive. Every byte is looked at once; never more than
//! 32 KiB are held.

use std::io::Read;

use crate::envelope::Error;
use crate::envelope::header::{Header, MAX_HEADER_BYTES, MAX_STANZAS, VERSION_LINE};
use crate::envelope::stanza::{COLUMNS, Stanza, decode_base64};

/// An unfinished header.
#[derive(Debug, Default)]
pub struct HeaderParser {
    bytes: Vec<u8>,
    line_start: usize,
    expected: Expected,
    stanzas: Vec<Stanza>,
    args: Vec<String>,
    body: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy)]
enum Expected {
    #[default]
    Version,
    StanzaOrMac,
    Body,
}

impl HeaderParser {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes. Returns the header and how many bytes of *this* input belong to it
    /// once it is complete, `None` while more are needed. After `Some` or an error the parser is
    /// spent.
    ///
    /// # Errors
    /// [`Error::NotAge`], [`Error::HeaderMalformed`], [`Error::HeaderTooLarge`].
    pub fn push(&mut self, input: &[u8]) -> Result<Option<(Header, usize)>, Error> {
        let mut taken = 0;
        while let Some(len) = input[taken..].iter().position(|b| *b == b'\n') {
            self.take(&input[taken..taken + len + 1])?;
            taken += len + 1;
            let line = self.line_start..self.bytes.len() - 1;
            self.line_start = self.bytes.len();
            if let Some(mac) = self.line(line)? {
                let stanzas = std::mem::take(&mut self.stanzas);
                let bytes = std::mem::take(&mut self.bytes);
                return Ok(Some((Header::from_parts(bytes, stanzas, mac), taken)));
            }
        }
        self.take(&input[taken..])?;
        let begun = &self.bytes[self.line_start..];
        match self.expected {
            // What cannot become an age file is refused at its first wrong byte.
            Expected::Version if !VERSION_LINE.starts_with(begun) => Err(version_fault(begun)),
            Expected::Body if begun.len() > COLUMNS => {
                Err(Error::HeaderMalformed("a body line is too long"))
            }
            _ => Ok(None),
        }
    }

    fn take(&mut self, input: &[u8]) -> Result<(), Error> {
        if input.len() > MAX_HEADER_BYTES - self.bytes.len() {
            // Only a file that begins as age does deserves to be called an age file.
            let so_far = self.bytes.iter().chain(input).take(VERSION_LINE.len());
            if !so_far.eq(VERSION_LINE.iter()) {
                return Err(Error::NotAge);
            }
            return Err(Error::HeaderTooLarge);
        }
        self.bytes.extend_from_slice(input);
        Ok(())
    }

    /// Takes a complete line; returns the MAC when it was the last one.
    fn line(&mut self, range: std::ops::Range<usize>) -> Result<Option<[u8; 32]>, Error> {
        let line = &self.bytes[range];
        match self.expected {
            Expected::Version => {
                if line != VERSION_LINE {
                    return Err(version_fault(line));
                }
                self.expected = Expected::StanzaOrMac;
            }
            Expected::StanzaOrMac => {
                if let Some(args) = line.strip_prefix(b"-> ") {
                    if self.stanzas.len() == MAX_STANZAS {
                        return Err(Error::HeaderTooLarge);
                    }
                    self.args = arguments(args)?;
                    self.expected = Expected::Body;
                } else if let Some(mac) = line.strip_prefix(b"--- ") {
                    let mac = decode_base64(mac).and_then(|mac| mac.try_into().ok());
                    self.check_stanzas()?;
                    return mac.map(Some).ok_or(Error::HeaderMalformed("MAC line"));
                } else {
                    return Err(Error::HeaderMalformed("neither a stanza nor the MAC"));
                }
            }
            Expected::Body => {
                if line.len() > COLUMNS {
                    return Err(Error::HeaderMalformed("a body line is too long"));
                }
                self.body.extend_from_slice(line);
                if line.len() < COLUMNS {
                    let body = decode_base64(&self.body)
                        .ok_or(Error::HeaderMalformed("a body is not canonical base64"))?;
                    self.body.clear();
                    self.stanzas.push(Stanza::new(std::mem::take(&mut self.args), body)?);
                    self.expected = Expected::StanzaOrMac;
                }
            }
        }
        Ok(None)
    }

    fn check_stanzas(&self) -> Result<(), Error> {
        let scrypt = self.stanzas.iter().any(|s| matches!(s, Stanza::Scrypt { .. }));
        match self.stanzas.len() {
            0 => Err(Error::HeaderMalformed("no stanza")),
            1 => Ok(()),
            // A passphrase authenticates; other stanzas beside it would undo that.
            _ if scrypt => Err(Error::HeaderMalformed("a scrypt stanza must be alone")),
            _ => Ok(()),
        }
    }
}

/// Reads a header from a stream; returns it and the payload bytes that were read with it.
///
/// # Errors
/// As [`Header::parse`]; [`Error::Io`].
pub fn read_header(reader: &mut dyn Read) -> Result<(Header, Vec<u8>), Error> {
    let mut parser = HeaderParser::new();
    let mut block = [0; 4096];
    loop {
        let len = match reader.read(&mut block) {
            Ok(0) => return Err(Error::HeaderTruncated),
            Ok(len) => len,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if let Some((header, taken)) = parser.push(&block[..len])? {
            return Ok((header, block[taken..len].to_vec()));
        }
    }
}

fn version_fault(line: &[u8]) -> Error {
    let family = &VERSION_LINE[..VERSION_LINE.len() - 2];
    if line.starts_with(family) {
        Error::HeaderMalformed("not version 1 of the age format")
    } else {
        Error::NotAge
    }
}

/// One or more VCHAR words, separated by single spaces.
fn arguments(line: &[u8]) -> Result<Vec<String>, Error> {
    line.split(|b| *b == b' ')
        .map(|word| match std::str::from_utf8(word) {
            Ok(text) if !word.is_empty() && word.iter().all(u8::is_ascii_graphic) => {
                Ok(text.to_owned())
            }
            _ => Err(Error::HeaderMalformed("stanza arguments")),
        })
        .collect()
}
