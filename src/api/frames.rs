//! The body of `POST /documents`: a document of up to 1 MiB whole in one request, as four
//! frames (manifest, sealed part, header, payload), each a 4-byte big-endian length and its
//! bytes. Nothing of it travels in an HTTP header.

/// The body's content type.
pub const CONTENT_TYPE: &str = "application/vnd.strongroom.document";

/// The longest payload that is sent this way, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1024 * 1024 + 64 * 1024;

/// The longest body: payload, header, manifest and sealed part.
pub const MAX_BODY_BYTES: usize = MAX_PAYLOAD_BYTES + 192 * 1024;

/// The body is not four frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not a whole document in four frames")]
pub struct MalformedFrames;

/// A whole document, borrowed from a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frames<'a> {
    /// The signed manifest.
    pub manifest: &'a [u8],
    /// The sealed part.
    pub sealed: &'a [u8],
    /// The age header.
    pub header: &'a [u8],
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Frames<'a> {
    /// Reads a body; its length must be exactly that of the frames.
    pub fn parse(body: &'a [u8]) -> Result<Self, MalformedFrames> {
        let mut rest = body;
        let mut next = || -> Result<&'a [u8], MalformedFrames> {
            let (length, after) = rest.split_first_chunk::<4>().ok_or(MalformedFrames)?;
            let length = u32::from_be_bytes(*length) as usize;
            let (frame, after) = after.split_at_checked(length).ok_or(MalformedFrames)?;
            rest = after;
            Ok(frame)
        };
        let frames = Self { manifest: next()?, sealed: next()?, header: next()?, payload: next()? };
        if rest.is_empty() { Ok(frames) } else { Err(MalformedFrames) }
    }

    /// Writes a body.
    ///
    /// # Panics
    /// When a frame is 4 GiB or longer, which callers rule out by [`MAX_PAYLOAD_BYTES`].
    pub fn to_body(&self) -> Vec<u8> {
        let parts = [self.manifest, self.sealed, self.header, self.payload];
        let mut body = Vec::with_capacity(parts.iter().map(|p| p.len() + 4).sum());
        for part in parts {
            let length = u32::try_from(part.len()).expect("frames are bounded far below 4 GiB");
            body.extend_from_slice(&length.to_be_bytes());
            body.extend_from_slice(part);
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_written_and_nothing_else() {
        let frames = Frames { manifest: b"m", sealed: b"", header: b"hh", payload: &[7; 300] };
        let body = frames.to_body();
        assert_eq!(Frames::parse(&body), Ok(frames));
        for cut in 0..body.len() {
            assert_eq!(Frames::parse(&body[..cut]), Err(MalformedFrames));
        }
        let mut longer = body.clone();
        longer.push(0);
        assert_eq!(Frames::parse(&longer), Err(MalformedFrames));
        assert_eq!(Frames::parse(&[0xff; 64]), Err(MalformedFrames));
    }
}
