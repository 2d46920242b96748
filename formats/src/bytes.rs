//! Bytes that a reader asks for: by place, or one after the other.
//!
//! A length in a file is held against the bytes that are left before anything is reserved for it, so that a short file which
//! claims to be long costs nothing.

use crate::failure::{Failure, Result};
use std::io;

/// Bytes of a known number, read by place.
pub trait Bytes {
    /// How many there are.
    fn length(&self) -> u64;

    /// Fills `into` with those from `start` on.
    ///
    /// # Errors
    /// When they cannot be had, or there are fewer.
    fn read_at(&self, start: u64, into: &mut [u8]) -> io::Result<()>;
}

impl Bytes for &[u8] {
    fn length(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, start: u64, into: &mut [u8]) -> io::Result<()> {
        let from = usize::try_from(start).ok().and_then(|start| self.get(start..)?.get(..into.len()));
        into.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Bytes that are read at a time.
const CHUNK: u64 = 1 << 16;

/// A part of the bytes, read from its start to its end.
pub struct Stream<'b> {
    bytes: &'b dyn Bytes,
    /// What messages call the part.
    name: String,
    /// Where the bytes in `held` begin.
    start: u64,
    held: Vec<u8>,
    /// How many of `held` were taken.
    taken: usize,
    end: u64,
}

impl<'b> Stream<'b> {
    /// The bytes from `start` on, so many, which must be there.
    ///
    /// # Errors
    /// When they are not.
    pub fn new(bytes: &'b dyn Bytes, name: impl Into<String>, start: u64, size: u64) -> Result<Stream<'b>> {
        let name = name.into();
        let end = start.checked_add(size).filter(|&end| end <= bytes.length());
        let end = end.ok_or_else(|| Failure::broken(format!("is cut off: {name} goes past its end")))?;
        Ok(Stream { bytes, name, start, held: Vec::new(), taken: 0, end })
    }

    /// What messages call the part.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place of the next byte, in all bytes.
    pub fn place(&self) -> u64 {
        self.start + self.taken as u64
    }

    /// How many are left.
    pub fn left(&self) -> u64 {
        self.end.saturating_sub(self.place())
    }

    /// The next byte.
    ///
    /// # Errors
    /// When there is none.
    pub fn byte(&mut self) -> Result<u8> {
        if let Some(&byte) = self.held.get(self.taken) {
            self.taken += 1;
            return Ok(byte);
        }
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    /// The next so many bytes.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn take(&mut self, count: u64) -> Result<&[u8]> {
        if count > self.left() {
            return Err(self.cut_off());
        }
        let wanted = count as usize;
        if self.held.len() - self.taken < wanted {
            self.start = self.place();
            let size = count.max(CHUNK).min(self.end - self.start);
            self.held.resize(size as usize, 0);
            self.held.truncate(size as usize);
            self.taken = 0;
            self.bytes.read_at(self.start, &mut self.held)?;
        }
        let from = self.taken;
        self.taken += wanted;
        Ok(self.held.get(from..self.taken).unwrap_or_default())
    }

    /// The next bytes, as many as there are in the array.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn array<const COUNT: usize>(&mut self) -> Result<[u8; COUNT]> {
        let bytes = self.take(COUNT as u64)?;
        bytes.try_into().map_err(|_| Failure::broken("is cut off"))
    }

    /// Passes over so many bytes, unread.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn skip(&mut self, count: u64) -> Result<()> {
        if count > self.left() {
            return Err(self.cut_off());
        }
        let place = self.place() + count;
        match place.checked_sub(self.start).filter(|&taken| taken <= self.held.len() as u64) {
            Some(taken) => self.taken = taken as usize,
            None => {
                self.start = place;
                self.held.clear();
                self.taken = 0;
            }
        }
        Ok(())
    }

    /// The bytes up to the end of the line, which is passed over; a line is no longer than `most`.
    ///
    /// # Errors
    /// When the line is longer, or has no end.
    pub fn line(&mut self, most: usize) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        loop {
            match self.byte()? {
                b'\n' => return Ok(line),
                _ if line.len() == most => return Err(self.wrong(format!("a line is longer than {most} bytes"))),
                byte => line.push(byte),
            }
        }
    }

    /// The failure to say what is wrong here.
    pub fn wrong(&self, what: impl AsRef<str>) -> Failure {
        Failure::broken(format!("is damaged: {} in {}, before byte {}", what.as_ref(), self.name, self.place()))
    }

    fn cut_off(&self) -> Failure {
        Failure::broken(format!("is cut off: {} ends too early, at byte {}", self.name, self.end))
    }
}
