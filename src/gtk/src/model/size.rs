//! Sizes as the window shows them: whole mebibytes, with the unit written out.

/// The largest that the spin button offers: 1 TiB, in MiB.
pub(crate) const LARGEST: u32 = 1 << 20;

/// What is shown: `500 MiB`, `2 GiB`.
pub(crate) fn shown(mebibytes: u32) -> String {
    if mebibytes > 0 && mebibytes.is_multiple_of(1024) {
        format!("{} GiB", mebibytes / 1024)
    } else {
        format!("{mebibytes} MiB")
    }
}

/// What is written into a profile: `500M`, `2G`, `0`.
pub(crate) fn written(mebibytes: u32) -> String {
    match mebibytes {
        0 => "0".to_owned(),
        whole if whole.is_multiple_of(1024) => format!("{}G", whole / 1024),
        other => format!("{other}M"),
    }
}

/// Reads a size as a profile or a person writes it, rounded up to whole mebibytes; a bare number
/// above 1024² is bytes as in a profile, a smaller one is mebibytes as on the screen.
pub(crate) fn parse(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits_end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(digits_end)?;
    let number: u64 = digits.parse().ok()?;
    let bytes = match unit.trim().to_ascii_lowercase().as_str() {
        "" if number >= 1 << 20 => Some(number),
        "k" | "kb" | "kib" => number.checked_shl(10),
        "" | "m" | "mb" | "mib" => number.checked_mul(1 << 20),
        "g" | "gb" | "gib" => number.checked_mul(1 << 30),
        "t" | "tb" | "tib" => number.checked_mul(1 << 40),
        _ => None,
    }?;
    let mebibytes = u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(LARGEST);
    Some(mebibytes.min(LARGEST))
}

/// The value of a spin button as whole mebibytes.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the range of the spin button first"
)]
pub(crate) fn from_spin(value: f64) -> u32 {
    value.round().clamp(0.0, f64::from(LARGEST)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_and_written_is_read_back() {
        for mebibytes in [0, 1, 500, 1024, 2048, 1536, LARGEST] {
            assert_eq!(parse(&shown(mebibytes)), Some(mebibytes));
            assert_eq!(parse(&written(mebibytes)), Some(mebibytes));
        }
    }

    #[test]
    fn units_are_never_guessed_wrong() {
        assert_eq!(parse("2G"), Some(2048));
        assert_eq!(parse("10K"), Some(1));
        assert_eq!(parse("1048576"), Some(1));
        assert_eq!(parse("2 gb"), Some(2048));
        assert_eq!(parse("2 parsecs"), None);
        assert_eq!(parse(""), None);
    }
}
