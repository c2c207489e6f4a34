//! Values that draw nothing more when they are larger, or that renderers do not survive.

use std::borrow::Cow;

use super::Refusal;

/// Octaves of a noise. Each has half the strength of the one before, and 8-bit colours end at the eighth.
const OCTAVES_MAX: f64 = 10.0;

/// Numbers of a convolution's matrix: librsvg reads no more, and aborts where it was told of more.
pub const KERNEL_MAX: u32 = 400;

/// The value of an attribute as a renderer may see it.
pub fn bounded<'a>(name: &str, value: Cow<'a, str>) -> Result<Cow<'a, str>, Refusal> {
    let numbers = || value.split([' ', ',', '\t', '\n']).filter_map(|number| number.parse::<f64>().ok());
    match name {
        "numOctaves" if numbers().any(|octaves| octaves > OCTAVES_MAX) => Ok(Cow::Owned(OCTAVES_MAX.to_string())),
        "order" => {
            // One number stands for both sides.
            let (columns, rows) = (numbers().next().unwrap_or(0.0), numbers().nth(1));
            let size = columns * rows.unwrap_or(columns);
            if size.abs() > f64::from(KERNEL_MAX) { Err(Refusal::Kernel) } else { Ok(value) }
        }
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(name: &str, value: &'static str) -> Option<String> {
        bounded(name, Cow::Borrowed(value)).ok().map(Cow::into_owned)
    }

    #[test]
    fn noise_has_no_more_octaves_than_can_be_seen() {
        for (value, expected) in [("3", "3"), ("10", "10"), ("11", "10"), ("1e9", "10"), ("nonsense", "nonsense")] {
            assert_eq!(bound("numOctaves", value).as_deref(), Some(expected));
        }
        assert_eq!(bound("width", "1e9").as_deref(), Some("1e9"));
    }

    #[test]
    fn a_matrix_has_no_more_numbers_than_are_read() {
        for value in ["3", "20", "20 20", "400, 1", "", "x"] {
            assert_eq!(bound("order", value).as_deref(), Some(value));
        }
        for value in ["21", "20 21", "401,1", "1e3", "-21 21", "1\t401"] {
            assert_eq!(bound("order", value), None, "{value}");
        }
    }
}
