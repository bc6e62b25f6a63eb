//! Sizes as people write and read them: `500M`, `2G`, in powers of 1024.

use crate::i18n::{Message, N_};

/// A number of bytes: digits with an optional K, M, G or T.
///
/// # Errors
/// When it is not one, or more than 64 bits hold.
pub fn size(text: &str) -> Result<u64, Message> {
    let wrong = || {
        Message::new(N_("“{value}” is not a size; write a number with K, M, G or T, like 500M, or 0 for no limit")).with("value", text)
    };
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (text.get(..at), 10),
        Some((at, 'm' | 'M')) => (text.get(..at), 20),
        Some((at, 'g' | 'G')) => (text.get(..at), 30),
        Some((at, 't' | 'T')) => (text.get(..at), 40),
        _ => (Some(text), 0),
    };
    let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let number: u64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A number of bytes in the largest unit that keeps it whole: `500M`.
#[must_use]
pub fn human_size(bytes: u64) -> String {
    let (mut number, mut unit) = (bytes, 0);
    while number >= 1024 && number.is_multiple_of(1024) && unit < 4 {
        number /= 1024;
        unit += 1;
    }
    format!("{number}{}", ["", "K", "M", "G", "T"].get(unit).unwrap_or(&""))
}
