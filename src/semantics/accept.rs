//! The `Accept` field: which new image formats a client named, and whether it reads JSON (RFC 9110 §12.5.1).
//!
//! Only explicit types count for images. Every old browser sends `image/*` and `*/*`, so a wildcard says nothing
//! about AVIF, WebP or JPEG XL.

use super::fields::{Pieces, digits, members, pieces, trim};

/// The longest `Accept` that is read; a longer one counts as absent.
pub const ACCEPT_BYTES_MAX: usize = 1024;

/// How much a client likes each new image format, in thousandths (`q=0.8` is 800); 0 = not accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Accepted {
    pub avif_permille: u16,
    pub webp_permille: u16,
    pub jxl_permille: u16,
}

/// One member of the list whose weight is well-formed.
struct MediaRange<'a> {
    name: &'a str,
    permille: u16,
}

const PERMILLE_MAX: u16 = 1000;

/// Reads the explicit image types of an `Accept` field (several lines joined; an absent one is `""`).
///
/// A member with a malformed weight does not count. A type listed twice has its highest weight.
pub fn accepted(header: &str) -> Accepted {
    let mut accepted = Accepted::default();
    for MediaRange { name, permille } in media_ranges(header) {
        let slot = match name {
            _ if name.eq_ignore_ascii_case("image/avif") => &mut accepted.avif_permille,
            _ if name.eq_ignore_ascii_case("image/webp") => &mut accepted.webp_permille,
            _ if name.eq_ignore_ascii_case("image/jxl") => &mut accepted.jxl_permille,
            _ => continue,
        };
        *slot = permille.max(*slot);
    }
    accepted
}

/// Whether an error document may be JSON: the field is absent, empty or too long, or allows
/// `application/problem+json` or `application/json` by name or by wildcard. The most specific member decides.
pub fn accepts_json(header: Option<&str>) -> bool {
    let header = header.map_or("", trim);
    if header.is_empty() || header.len() > ACCEPT_BYTES_MAX {
        return true;
    }
    ["application/problem+json", "application/json"].iter().any(|wanted| {
        let by_specificity = [wanted, "application/*", "*/*"];
        let weights = by_specificity.iter().filter_map(|range| {
            let named = media_ranges(header).filter(|member| member.name.eq_ignore_ascii_case(range));
            named.map(|member| member.permille).max()
        });
        weights.take(1).any(|permille| permille > 0)
    })
}

fn media_ranges(header: &str) -> impl Iterator<Item = MediaRange<'_>> {
    let list = if header.len() > ACCEPT_BYTES_MAX { "" } else { header };
    members(list).filter_map(|member| {
        let mut parts = pieces(member, b';');
        let name = trim(parts.next()?);
        let permille = weight(parts)?;
        Some(MediaRange { name, permille })
    })
}

/// The first `q` among the parameters, 1 without one; `None` when any `q` is malformed.
fn weight(parameters: Pieces<'_>) -> Option<u16> {
    let mut first = None;
    for parameter in parameters.map(trim) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim_end().eq_ignore_ascii_case("q") {
            let permille = if name.len() == 1 { quality_permille(value)? } else { return None };
            first.get_or_insert(permille);
        }
    }
    Some(first.unwrap_or(PERMILLE_MAX))
}

/// `0(.ddd)` or `1(.000)` with at most three digits, in thousandths (RFC 9110 §12.4.2).
pub(super) fn quality_permille(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let permille = match fraction.len() {
        0 => 0,
        1 => digits(fraction)? * 100,
        2 => digits(fraction)? * 10,
        3 => digits(fraction)?,
        _ => return None,
    };
    match whole {
        "0" => u16::try_from(permille).ok(),
        "1" if permille == 0 => Some(PERMILLE_MAX),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
