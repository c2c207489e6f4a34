//! Reading single arguments: booleans, numbers, colours, gravities.
//!
//! Source of the grammar: imgproxy reference, section 4. Infinite and undefined numbers are refused, although imgproxy
//! takes them.

use crate::transform::{Anchor, Format, GravityAsked, Rgb};

use super::Scope;
use crate::url::error::shown;

/// The largest size in pixels that is told apart: what libvips can express. Larger numbers mean this one.
const PIXELS_MAX: u32 = i32::MAX as u32;

/// Hexadecimal digits of a floating-point number, at most; more would not fit its mantissa.
const HEX_FLOAT_DIGITS_MAX: usize = 13;

/// What is wrong with the arguments of an option.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ArgError {
    #[error("`{value}` is not {wanted}")]
    NotA { value: String, wanted: &'static str },
    #[error("{0}")]
    Shape(&'static str),
    #[error("the time {at_unix_s} has passed")]
    Expired { at_unix_s: u64 },
}

/// Which anchors make sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchors {
    /// All of them: a place in the picture.
    InPicture,
    /// All but `sm`: a place on an empty canvas.
    OnCanvas,
}

/// The argument at this place, where it is there and not empty.
pub(super) fn given<'a>(args: &[&'a str], at: usize) -> Option<&'a str> {
    args.get(at).copied().filter(|text| !text.is_empty())
}

/// The argument at this place; one that is not there is read as an empty one.
pub(super) fn arg<'a>(args: &[&'a str], at: usize) -> &'a str {
    args.get(at).copied().unwrap_or_default()
}

pub(super) fn not_a(value: &str, wanted: &'static str) -> ArgError {
    ArgError::NotA { value: shown(value), wanted }
}

/// A boolean. Anything that is neither true nor false means false, as in imgproxy, and is counted.
pub(super) fn boolean(scope: &mut Scope, text: &str) -> bool {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => true,
        "0" | "f" | "F" | "FALSE" | "false" | "False" => false,
        _ => {
            scope.dubious_booleans = scope.dubious_booleans.saturating_add(1);
            false
        }
    }
}

pub(super) fn integer(text: &str) -> Result<i64, ArgError> {
    text.parse().map_err(|_| not_a(text, "a whole number"))
}

pub(super) fn unsigned(text: &str) -> Result<u64, ArgError> {
    let number = integer(text).ok().and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| not_a(text, "a whole number of 0 or more"))
}

/// Pixels; what is more than libvips can express means the most that it can.
pub(super) fn pixels(text: &str) -> Result<u32, ArgError> {
    Ok(u32::try_from(unsigned(text)?).unwrap_or(PIXELS_MAX).min(PIXELS_MAX))
}

pub(super) fn quality(text: &str) -> Result<u8, ArgError> {
    let number = unsigned(text).ok().and_then(|number| u8::try_from(number).ok()).filter(|number| *number <= 100);
    number.ok_or_else(|| not_a(text, "a quality from 0 to 100"))
}

/// A finite number, decimal or hexadecimal. Zero has one sign, so that equal meaning is equal data.
pub(super) fn float(text: &str) -> Option<f64> {
    let number = if text.contains(['x', 'X']) { hex_float(text)? } else { text.parse().ok()? };
    number.is_finite().then_some(number + 0.0)
}

pub(super) fn float_over_zero(text: &str) -> Result<f64, ArgError> {
    float(text).filter(|number| *number > 0.0).ok_or_else(|| not_a(text, "a number over 0"))
}

pub(super) fn float_from_zero(text: &str) -> Result<f64, ArgError> {
    float(text).filter(|number| *number >= 0.0).ok_or_else(|| not_a(text, "a number of 0 or more"))
}

/// `0x1.8p3`: hexadecimal mantissa, decimal exponent of two, which is not optional.
fn hex_float(text: &str) -> Option<f64> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || digits.len() > HEX_FLOAT_DIGITS_MAX || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    // At most 52 bits: exact in a double.
    #[expect(clippy::cast_precision_loss, reason = "13 hexadecimal digits are fewer bits than a mantissa has")]
    let mantissa = u64::from_str_radix(&digits, 16).ok()? as f64;
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    let number = mantissa * 2_f64.powi(exponent);
    Some(if negative { -number } else { number })
}

/// Three or six hexadecimal digits without `#`.
pub(super) fn colour(text: &str) -> Result<Rgb, ArgError> {
    let wanted = "a colour of 3 or 6 hexadecimal digits";
    let digits: Option<Vec<u8>> =
        text.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect();
    match digits.as_deref() {
        Some([r, g, b]) => Ok(Rgb(r * 17, g * 17, b * 17)),
        Some([r1, r0, g1, g0, b1, b0]) => Ok(Rgb(r1 * 16 + r0, g1 * 16 + g0, b1 * 16 + b0)),
        _ => Err(not_a(text, wanted)),
    }
}

/// One channel of a colour in decimal, 0 to 255, without a sign.
pub(super) fn channel(text: &str) -> Result<u8, ArgError> {
    let digits_only = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if digits_only { text.parse().ok() } else { None };
    number.ok_or_else(|| not_a(text, "a channel from 0 to 255"))
}

pub(super) fn format(text: &str) -> Result<Format, ArgError> {
    Format::from_name(text).ok_or_else(|| not_a(text, "a format"))
}

/// `type:x:y`. Offsets that are absent or empty keep their value; `sm` takes them away.
pub(super) fn gravity(place: &mut GravityAsked, args: &[&str], anchors: Anchors) -> Result<(), ArgError> {
    let anchor = Anchor::from_name(arg(args, 0))
        .filter(|anchor| *anchor != Anchor::Smart || anchors == Anchors::InPicture)
        .ok_or_else(|| not_a(arg(args, 0), "a gravity that can stand here"))?;
    match anchor {
        Anchor::Smart if args.len() > 1 => return Err(ArgError::Shape("gravity sm takes no offsets")),
        Anchor::Smart => {
            *place = GravityAsked { anchor: Some(anchor), x: None, y: None };
            return Ok(());
        }
        Anchor::Focus if args.len() != 3 => return Err(ArgError::Shape("gravity fp takes exactly two offsets")),
        _ if args.len() > 3 => return Err(ArgError::Shape("a gravity takes at most two offsets")),
        _ => {}
    }
    let x = given(args, 1).map(|text| offset(anchor, text)).transpose()?;
    let y = given(args, 2).map(|text| offset(anchor, text)).transpose()?;
    *place = GravityAsked { anchor: Some(anchor), x: x.or(place.x), y: y.or(place.y) };
    Ok(())
}

fn offset(anchor: Anchor, text: &str) -> Result<f64, ArgError> {
    let number = float(text).ok_or_else(|| not_a(text, "a number"))?;
    if anchor == Anchor::Focus && !(0.0..=1.0).contains(&number) {
        return Err(not_a(text, "a fraction from 0 to 1"));
    }
    Ok(number)
}
