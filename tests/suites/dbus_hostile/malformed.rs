//! Messages with one thing wrong in them.

use super::*;

/// A message like `call`, with one field in the place of what it has.
fn with(code: u8, value: Field) -> Draft {
    let mut draft = call().without(code);
    draft.fields.push((code, value));
    draft
}

fn text(code: u8, text: &str) -> Draft {
    with(code, Field::Value(Arg::text(text)))
}

fn raw(code: u8, signature: &[u8], bytes: &[u8]) -> Draft {
    with(code, Field::Raw(signature.to_vec(), bytes.to_vec()))
}

/// A string of the header as it lies in a message, aligned to what stands before it there.
fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("short");
    [&length.to_le_bytes(), bytes, b"\0"].concat()
}

/// What is not a message, and why.
pub(crate) fn malformed() -> Vec<(&'static str, Draft)> {
    let long = "x.".repeat(130) + "x";
    let path = |path: &str| with(field::PATH, Field::Value(Arg::Path(path.to_owned())));
    let signature =
        |text: &str| with(field::SIGNATURE, Field::Value(Arg::Signature(text.to_owned())));
    let reply = || Draft::reply("ex.Talk", 1);
    let twice = |code, value| {
        let mut draft = call();
        draft.fields.push((code, Field::Value(value)));
        draft
    };
    vec![
        ("no byte order", Draft { order: Some(b'x'), ..call() }),
        ("the other byte order", Draft { order: Some(b'B'), ..call() }),
        ("the other byte order, big endian", Draft { order: Some(b'l'), ..call().big_endian() }),
        ("version 0", Draft { version: 0, ..call() }),
        ("version 2", Draft { version: 2, ..call() }),
        ("type 0", Draft { kind: 0, ..call() }),
        ("serial 0", Draft { serial: Some(0), ..call() }),
        ("a body beyond every limit", Draft { body_length: Some(u32::MAX), ..call() }),
        ("a body of 128 MiB and fields", Draft { body_length: Some(128 << 20), ..call() }),
        ("fields beyond every limit", Draft { fields_length: Some(u32::MAX), ..call() }),
        ("fields of more than 64 MiB", Draft { fields_length: Some((64 << 20) + 1), ..call() }),
        ("fields that end early", Draft { fields_length: Some(9), ..call() }),
        ("a call without a path", call().without(field::PATH)),
        ("a call without a member", call().without(field::MEMBER)),
        ("a signal without an interface", Draft::signal("/x", "x.y.z").without(field::INTERFACE)),
        ("a signal without a path", Draft::signal("/x", "x.y.z").without(field::PATH)),
        ("a reply to nothing", reply().without(field::REPLY_SERIAL)),
        ("an error without a name", Draft::error("ex.Talk", 1, "x.y").without(field::ERROR_NAME)),
        ("a path twice", twice(field::PATH, Arg::Path("/other".into()))),
        ("a destination twice", twice(field::DESTINATION, Arg::text("ex.Hidden"))),
        ("a member twice", twice(field::MEMBER, Arg::text("Other"))),
        ("a path that is a string", text(field::PATH, "/ex/obj")),
        ("a member that is a number", with(field::MEMBER, Field::Value(Arg::Number(1)))),
        (
            "a destination that is a path",
            with(field::DESTINATION, Field::Value(Arg::Path("/x".into()))),
        ),
        ("an empty path", path("")),
        ("a path without a slash", path("ex/obj")),
        ("a path with two slashes", path("/ex//obj")),
        ("a path that ends in a slash", path("/ex/")),
        ("a path with a space", path("/ex/o bj")),
        ("an interface without a dot", text(field::INTERFACE, "Iface")),
        ("an interface with two dots", text(field::INTERFACE, "ex..Iface")),
        ("an interface that is too long", text(field::INTERFACE, &long)),
        ("a member with a dot", text(field::MEMBER, "ex.Do")),
        ("an empty member", text(field::MEMBER, "")),
        ("a member that begins with a digit", text(field::MEMBER, "9Do")),
        ("a destination without a dot", text(field::DESTINATION, "ex")),
        ("a destination with a line in it", text(field::DESTINATION, "ex.Talk\nex.Hidden")),
        ("a destination that is too long", text(field::DESTINATION, &long)),
        ("an empty destination", text(field::DESTINATION, "")),
        ("a member that is no UTF-8", raw(field::MEMBER, b"s", &string(b"\xff\xfe"))),
        ("a member with a NUL in it", raw(field::MEMBER, b"s", &string(b"Do\0More"))),
        ("a member without its end", raw(field::MEMBER, b"s", b"\x02\0\0\0Dox")),
        ("a member that ends far away", raw(field::MEMBER, b"s", b"\xff\xff\xff\xffDo\0")),
        ("a field without a type", raw(field::MEMBER, b"", &string(b"Do"))),
        ("a field of two types", raw(field::MEMBER, b"ss", &string(b"Do"))),
        ("field 0", with(0, Field::Value(Arg::text("x")))),
        ("an array of nothing", signature("a")),
        ("a struct that does not end", signature("(s")),
        ("an empty struct", signature("()")),
        ("an unknown type", signature("z")),
        ("a dictionary without a value", signature("a{s}")),
        ("arrays beyond every depth", signature(&("a".repeat(33) + "s"))),
        ("structs beyond every depth", signature(&("(".repeat(33) + "s" + &")".repeat(33)))),
        ("a body without a signature", Draft { body: Some(vec![0; 8]), ..call() }),
        ("a descriptor that does not come", with(field::UNIX_FDS, Field::Value(Arg::Number(1)))),
        (
            "descriptors beyond every limit",
            with(field::UNIX_FDS, Field::Value(Arg::Number(u32::MAX))),
        ),
        (
            "a signal of the library's own",
            Draft::signal("/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local.Disconnected"),
        ),
        (
            "a reply to call 0",
            reply().without(field::REPLY_SERIAL).field(field::REPLY_SERIAL, Arg::Number(0)),
        ),
    ]
}
