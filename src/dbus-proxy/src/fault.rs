//! Why a connection is closed: what its other side did that no honest one does.

use thiserror::Error;

/// What is wrong with what came over a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// See the texts.
    #[error("the message does not say its byte order")]
    Order,
    /// Another major version of the protocol.
    #[error("the message is of another version of the protocol")]
    Version,
    /// A kind that the specification does not know.
    #[error("the message is of no known kind")]
    Kind,
    /// Serials begin at 1.
    #[error("the message has the serial 0")]
    SerialZero,
    /// Above a limit of the specification, or a header above ours.
    #[error("the message is larger than the protocol allows")]
    TooLarge,
    /// A value reaches beyond what holds it.
    #[error("a value of the header reaches beyond its end")]
    Short,
    /// Bytes that align are zero.
    #[error("the padding of the header is not zero")]
    Padding,
    /// A text with a zero, without one at its end, or that is not UTF-8.
    #[error("a text of the header is not valid UTF-8 that ends with a zero")]
    Text,
    /// A field that the specification does not know.
    #[error("the header has an unknown field")]
    UnknownField,
    /// The same field again.
    #[error("the header has a field twice")]
    RepeatedField,
    /// A field of another type than it has.
    #[error("a field of the header has the wrong type")]
    FieldType,
    /// A field that this kind of message must have.
    #[error("the header lacks a field that its kind of message must have")]
    MissingField,
    /// A name, path or signature that is none.
    #[error("a name, path or signature of the header is not valid")]
    Name,
    /// A body without a signature, or the other way round.
    #[error("the body does not fit its signature")]
    Body,
    /// What only a library says to itself.
    #[error("the message has the path or interface that is reserved for local use")]
    Local,
    /// Fewer descriptors than the message says.
    #[error("descriptors of the message did not arrive with it")]
    MissingFds,
    /// More descriptors than messages say.
    #[error("descriptors arrived that no message has")]
    StrayFds,
    /// Descriptors although both sides did not agree on them.
    #[error("descriptors were sent that were not agreed on")]
    UnagreedFds,
    /// A serial whose call has no answer yet.
    #[error("the serial of an unanswered call was used again")]
    SerialReuse,
    /// Somebody else's name as the sender.
    #[error("the message claims to be from another sender")]
    Sender,
    /// A connection begins with Hello.
    #[error("the first message is not Hello")]
    NoHello,
    /// The handshake before messages.
    #[error("the authentication is not as the protocol has it")]
    Authentication,
    /// The handshake takes too long.
    #[error("the authentication was not finished in time")]
    Slow,
    /// The bus does not take this user.
    #[error("the bus refused the connection")]
    Refused,
    /// The app has enough of them.
    #[error("the app has too many connections to the bus")]
    TooMany,
    /// There is no bus.
    #[error("the bus cannot be reached")]
    Unreachable,
    /// Only replies reply; what is not one, and says so, some libraries take for one.
    #[error("a call or a signal says that it is a reply")]
    NoReply,
    /// A reply of the bus that the proxy must read.
    #[error("a reply of the bus is not valid")]
    Reply,
}
