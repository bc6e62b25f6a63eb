//! The format of netlink: messages and attributes, written and read. What is written has lengths that
//! were checked; what is read may be anything, and what makes no sense in it is left out.

use rustix::io::Errno;

/// `NLM_F_REQUEST` of linux/netlink.h, and so on.
pub(crate) const REQUEST: u16 = 0x1;
pub(crate) const ACK: u16 = 0x4;
pub(crate) const DUMP: u16 = 0x300;
pub(crate) const EXCLUSIVE: u16 = 0x200;
pub(crate) const CREATE: u16 = 0x400;
pub(crate) const APPEND: u16 = 0x800;

/// `NLM_F_DUMP_INTR`: what is dumped has changed meanwhile.
pub(crate) const INTERRUPTED: u16 = 0x10;

/// `NLMSG_ERROR`, which also acknowledges, and `NLMSG_DONE`, the end of a dump.
pub(crate) const ERROR: u16 = 2;
pub(crate) const DONE: u16 = 3;

/// The length of `nlmsghdr`: length, type, flags, sequence number and port.
const HEADER: usize = 16;
/// Where the flags stand in it.
const FLAGS: usize = 6;
/// Where the sequence number stands in it.
const SEQUENCE: usize = 8;
/// The length of `nlattr`: length and type.
const ATTRIBUTE: usize = 4;
/// `NLA_F_NESTED`; the type of an attribute has two bits of flags.
const NESTED: u16 = 0x8000;
const TYPE: u16 = 0x3fff;

/// One message that is being written.
#[derive(Debug)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Writer {
    /// A message of that type, with flags, and what its family puts before the attributes.
    pub(crate) fn new(kind: u16, flags: u16, family: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(256);
        // The length comes at the end.
        bytes.extend_from_slice(&0u32.to_ne_bytes());
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        // The sequence number, and the port, which the kernel fills in.
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(family);
        let mut writer = Self { bytes, too_long: false };
        writer.pad();
        writer
    }

    /// An attribute of plain bytes.
    pub(crate) fn bytes(&mut self, kind: u16, value: &[u8]) {
        let start = self.begin(kind);
        self.bytes.extend_from_slice(value);
        self.end(start);
    }

    /// An attribute of a text, which ends with a NUL.
    pub(crate) fn text(&mut self, kind: u16, value: &str) {
        let start = self.begin(kind);
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
        self.end(start);
    }

    /// An attribute of a number, most significant byte first, as netfilter has them all.
    pub(crate) fn be16(&mut self, kind: u16, value: u16) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// As above.
    pub(crate) fn be32(&mut self, kind: u16, value: u32) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// As above.
    pub(crate) fn be64(&mut self, kind: u16, value: u64) {
        self.bytes(kind, &value.to_be_bytes());
    }

    /// An attribute of attributes.
    pub(crate) fn nested(&mut self, kind: u16, content: impl FnOnce(&mut Self)) {
        let start = self.begin(kind | NESTED);
        content(self);
        self.end(start);
    }

    /// What stands before the attributes of an attribute, in the length of its kind.
    pub(crate) fn header(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pad();
    }

    fn begin(&mut self, kind: u16) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 2]);
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    fn end(&mut self, start: usize) {
        match u16::try_from(self.bytes.len().saturating_sub(start)) {
            Ok(length) => put(&mut self.bytes, start, &length.to_ne_bytes()),
            Err(_) => self.too_long = true,
        }
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(aligned(self.bytes.len()), 0);
    }

    /// The finished message.
    ///
    /// # Errors
    /// `EMSGSIZE` when an attribute is longer than its length can say.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Errno> {
        let length = u32::try_from(self.bytes.len()).map_err(|_| Errno::MSGSIZE)?;
        put(&mut self.bytes, 0, &length.to_ne_bytes());
        if self.too_long { Err(Errno::MSGSIZE) } else { Ok(self.bytes) }
    }
}

/// Gives a finished message its number.
pub(crate) fn number(message: &mut [u8], sequence: u32) {
    put(message, SEQUENCE, &sequence.to_ne_bytes());
}

/// Adds flags to the finished message that begins there.
pub(crate) fn add_flags(bytes: &mut [u8], start: usize, flags: u16) {
    let at = start.saturating_add(FLAGS);
    let old = bytes.get(at..).and_then(ne16).unwrap_or(0);
    put(bytes, at, &(old | flags).to_ne_bytes());
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    let place = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..value.len()));
    if let Some(place) = place {
        place.copy_from_slice(value);
    }
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// A message that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) sequence: u32,
    pub(crate) body: &'a [u8],
}

impl<'a> Message<'a> {
    /// What the family of protocols puts before the attributes, and the attributes.
    pub(crate) fn split(&self, family: usize) -> Option<(&'a [u8], Attributes<'a>)> {
        let (header, rest) = self.body.split_at_checked(family)?;
        Some((header, Attributes(rest)))
    }

    /// What an error or an acknowledgement says.
    pub(crate) fn error(&self) -> Option<Result<(), Errno>> {
        (self.kind == ERROR).then(|| self.status())
    }

    /// The number that an error and the end of a dump begin with.
    pub(crate) fn status(&self) -> Result<(), Errno> {
        let code = self.body.first_chunk().map_or(-libc::EIO, |code| i32::from_ne_bytes(*code));
        match code.checked_neg() {
            Some(..=0) => Ok(()),
            Some(errno) => Err(Errno::from_raw_os_error(errno.min(4095))),
            None => Err(Errno::IO),
        }
    }
}

/// The messages of what was received at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Messages<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let header: &[u8; HEADER] = self.0.first_chunk()?;
        let length = usize::try_from(ne32(header)?).ok()?;
        let body = self.0.get(HEADER..length)?;
        self.0 = self.0.get(aligned(length)..).unwrap_or_default();
        Some(Message {
            kind: header.get(4..).and_then(ne16)?,
            flags: header.get(FLAGS..).and_then(ne16)?,
            sequence: header.get(SEQUENCE..).and_then(ne32)?,
            body,
        })
    }
}

/// Attributes one after another: the type without its flags, and the value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first of that type.
    pub(crate) fn get(self, kind: u16) -> Option<&'a [u8]> {
        { self }.find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The attributes inside the first of that type.
    pub(crate) fn inside(self, kind: u16) -> Option<Self> {
        self.get(kind).map(Self)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(ne16(self.0)?);
        let kind = self.0.get(2..).and_then(ne16)? & TYPE;
        let value = self.0.get(ATTRIBUTE..length)?;
        self.0 = self.0.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    }
}

/// The number at the beginning, as this machine has them.
pub(crate) fn ne16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))
}

/// As above.
pub(crate) fn ne32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes))
}

/// The number at the beginning, most significant byte first.
pub(crate) fn be16(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// As above.
pub(crate) fn be32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// As above.
pub(crate) fn be64(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut writer = Writer::new(7, REQUEST, &[1, 2, 3]);
        writer.text(1, "abcd");
        writer.nested(2, |inside| inside.be16(5, 0x1234));
        let mut bytes = writer.finish().unwrap();
        number(&mut bytes, 9);
        add_flags(&mut bytes, 0, ACK);
        let mut messages = Messages(&bytes);
        let message = messages.next().unwrap();
        assert_eq!((message.kind, message.flags, message.sequence), (7, REQUEST | ACK, 9));
        let (family, attributes) = message.split(4).unwrap();
        assert_eq!(family, [1, 2, 3, 0]);
        assert_eq!(attributes.get(1), Some(&b"abcd\0"[..]));
        assert_eq!(attributes.inside(2).and_then(|a| a.get(5)).and_then(be16), Some(0x1234));
        assert!(messages.next().is_none());
    }

    #[test]
    fn an_attribute_that_is_too_long_is_an_error() {
        let mut writer = Writer::new(1, 0, &[]);
        writer.bytes(1, &[0; 65536]);
        assert_eq!(writer.finish(), Err(Errno::MSGSIZE));
    }

    #[test]
    fn bytes_without_sense_end_the_reading() {
        for length in [0u32, 3, 15, 17, u32::MAX] {
            let mut bytes = [0u8; 16];
            bytes[..4].copy_from_slice(&length.to_ne_bytes());
            assert!(Messages(&bytes).count() == 0, "{length}");
        }
        for bytes in [&[][..], &[1], &[0, 0, 1, 0], &[3, 0, 1, 0], &[9, 0, 1, 0, 5], &[255; 9]] {
            assert!(Attributes(bytes).count() == 0, "{bytes:?}");
        }
        // A header alone is an attribute without a value.
        assert_eq!(Attributes(&[4, 0, 1, 0]).collect::<Vec<_>>(), [(1, &[][..])]);
    }
}
