//! Byte order and alignment: how numbers and texts lie in a message.

use crate::fault::Fault;

/// The byte order of one message, which its sender chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `l`
    Little,
    /// `B`
    Big,
}

impl Order {
    /// The order that a message's first byte stands for.
    #[must_use]
    pub fn of(flag: u8) -> Option<Self> {
        match flag {
            b'l' => Some(Self::Little),
            b'B' => Some(Self::Big),
            _ => None,
        }
    }

    /// The number in these bytes.
    #[must_use]
    pub fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }
}

/// Reads values one after another. Positions count from the beginning of the message, or of what is
/// aligned to eight as that is, and what is skipped to align has to be zero.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    order: Order,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from position `at`.
    #[must_use]
    pub fn new(bytes: &'a [u8], at: usize, order: Order) -> Self {
        Self { bytes, at, order }
    }

    /// Where the next value is looked for.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// Skips to a multiple of `to`.
    ///
    /// # Errors
    /// When the bytes end, or what is skipped is not zero.
    pub fn align(&mut self, to: usize) -> Result<(), Fault> {
        let next = self.at.next_multiple_of(to);
        let skipped = self.bytes.get(self.at..next).ok_or(Fault::Short)?;
        if skipped.iter().any(|byte| *byte != 0) {
            return Err(Fault::Padding);
        }
        self.at = next;
        Ok(())
    }

    /// The next byte.
    ///
    /// # Errors
    /// When there is none.
    pub fn byte(&mut self) -> Result<u8, Fault> {
        let byte = *self.bytes.get(self.at).ok_or(Fault::Short)?;
        self.at += 1;
        Ok(byte)
    }

    /// The next number.
    ///
    /// # Errors
    /// When the bytes end, or it is not aligned with zeros.
    pub fn u32(&mut self) -> Result<u32, Fault> {
        self.align(4)?;
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<4>());
        self.at += 4;
        bytes.map(|bytes| self.order.u32(*bytes)).ok_or(Fault::Short)
    }

    /// The next text: UTF-8 without a zero, and a zero.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        let length = self.u32()?;
        self.terminated(length as usize)
    }

    /// The next signature, whose grammar is not looked at.
    ///
    /// # Errors
    /// When it is none.
    pub fn signature(&mut self) -> Result<&'a str, Fault> {
        let length = self.byte()?;
        self.terminated(length.into())
    }

    fn terminated(&mut self, length: usize) -> Result<&'a str, Fault> {
        let end = self.at.checked_add(length).ok_or(Fault::Short)?;
        let bytes = self.bytes.get(self.at..end).ok_or(Fault::Short)?;
        if self.bytes.get(end).ok_or(Fault::Short)? != &0 || bytes.contains(&0) {
            return Err(Fault::Text);
        }
        self.at = end + 1;
        std::str::from_utf8(bytes).map_err(|_| Fault::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_in_both_orders() {
        let little = [3, 0, 0, 0, b'a', b'b', b'c', 0];
        let big = [0, 0, 0, 3, b'a', b'b', b'c', 0];
        assert_eq!(Reader::new(&little, 0, Order::Little).text(), Ok("abc"));
        assert_eq!(Reader::new(&big, 0, Order::Big).text(), Ok("abc"));
        assert_eq!(Reader::new(&big, 0, Order::Little).text(), Err(Fault::Short));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for (bytes, fault) in [
            (&[1, 0, 0, 0, b'a', b'b'][..], Fault::Text),
            (&[2, 0, 0, 0, 0xff, 0xfe, 0], Fault::Text),
            (&[2, 0, 0, 0, b'a', 0, 0], Fault::Text),
            (&[2, 0, 0, 0, b'a'], Fault::Short),
        ] {
            assert_eq!(Reader::new(bytes, 0, Order::Little).text(), Err(fault), "{bytes:?}");
        }
        let mut padded = Reader::new(&[7, 1, 0, 0, 0, 0, 0, 0], 1, Order::Little);
        assert_eq!(padded.u32(), Err(Fault::Padding));
    }
}
