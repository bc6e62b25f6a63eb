//! The fields of a message's header, each checked as the specification has it.
//!
//! Nothing here looks at a body. Every text is one of the message's own bytes, and nothing is copied.

use crate::fault::Fault;
use crate::frame::{Frame, Kind};
use crate::grammar::{is_name, is_signature};
use crate::order::Reader;
use arkose_profile::bus::{is_interface, is_member, is_object_path};

/// The most descriptors that the kernel takes with one message (`SCM_MAX_FD` of net/scm.h).
pub const MAX_FDS: usize = 253;

/// A message's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// What its first bytes say.
    pub frame: Frame,
    /// The object.
    pub path: Option<&'a str>,
    /// The interface.
    pub interface: Option<&'a str>,
    /// The method or signal.
    pub member: Option<&'a str>,
    /// The name of an error.
    pub error: Option<&'a str>,
    /// The call that this replies to.
    pub reply_to: Option<u32>,
    /// Whom it is for.
    pub destination: Option<&'a str>,
    /// Whom it is from.
    pub sender: Option<&'a str>,
    /// The types of the body; empty without one.
    pub signature: &'a str,
    /// How many descriptors come with it.
    pub fds: usize,
}

impl<'a> Header<'a> {
    /// Reads the header of a message; `bytes` has at least all of it.
    ///
    /// # Errors
    /// When it is not as the specification has it.
    pub fn parse(frame: Frame, bytes: &'a [u8]) -> Result<Self, Fault> {
        let fields = bytes.get(..frame.fields).ok_or(Fault::Short)?;
        let mut header = Self {
            frame,
            path: None,
            interface: None,
            member: None,
            error: None,
            reply_to: None,
            destination: None,
            sender: None,
            signature: "",
            fds: 0,
        };
        let mut seen = 0_u16;
        let mut reader = Reader::new(fields, crate::frame::PREFIX, frame.order);
        while reader.position() < frame.fields {
            reader.align(8)?;
            let code = reader.byte()?;
            if !(1..=9).contains(&code) {
                return Err(Fault::UnknownField);
            }
            let bit = 1 << code;
            if seen & bit != 0 {
                return Err(Fault::RepeatedField);
            }
            seen |= bit;
            header.field(code, &mut reader)?;
        }
        let padding = bytes.get(frame.fields..frame.header).ok_or(Fault::Short)?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(Fault::Padding);
        }
        header.is_complete()?;
        Ok(header)
    }

    fn field(&mut self, code: u8, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let types = reader.signature()?;
        let wanted = match code {
            1 => "o",
            5 | 9 => "u",
            8 => "g",
            _ => "s",
        };
        if types != wanted {
            return Err(Fault::FieldType);
        }
        match code {
            1 => self.path = Some(checked(reader.text()?, is_object_path)?),
            2 => self.interface = Some(checked(reader.text()?, is_interface)?),
            3 => self.member = Some(checked(reader.text()?, is_member)?),
            // The names of errors are those of interfaces.
            4 => self.error = Some(checked(reader.text()?, is_interface)?),
            5 => match reader.u32()? {
                0 => return Err(Fault::SerialZero),
                serial => self.reply_to = Some(serial),
            },
            6 => self.destination = Some(checked(reader.text()?, is_name)?),
            7 => self.sender = Some(checked(reader.text()?, is_name)?),
            8 => self.signature = checked(reader.signature()?, is_signature)?,
            _ => {
                self.fds = reader.u32()? as usize;
                if self.fds > MAX_FDS {
                    return Err(Fault::TooLarge);
                }
            }
        }
        Ok(())
    }

    fn is_complete(&self) -> Result<(), Fault> {
        let there = match self.frame.kind {
            Kind::Call => self.path.is_some() && self.member.is_some(),
            Kind::Return => self.reply_to.is_some(),
            Kind::Error => self.reply_to.is_some() && self.error.is_some(),
            Kind::Signal => {
                self.path.is_some() && self.interface.is_some() && self.member.is_some()
            }
        };
        if !there {
            return Err(Fault::MissingField);
        }
        if self.signature.is_empty() != (self.frame.total == self.frame.header) {
            return Err(Fault::Body);
        }
        if self.path == Some("/org/freedesktop/DBus/Local")
            || self.interface == Some("org.freedesktop.DBus.Local")
        {
            return Err(Fault::Local);
        }
        Ok(())
    }

    /// A reader at the beginning of the body of this message.
    #[must_use]
    pub fn body<'b>(&self, message: &'b [u8]) -> Reader<'b> {
        // The header is a multiple of eight bytes, so that positions may count from the body's beginning.
        let body = message.get(self.frame.header..).unwrap_or_default();
        Reader::new(body, 0, self.frame.order)
    }
}

fn checked(text: &str, is: fn(&str) -> bool) -> Result<&str, Fault> {
    if is(text) { Ok(text) } else { Err(Fault::Name) }
}
