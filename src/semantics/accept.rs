//! The `Accept` field: which new image formats a client named, and whether it reads JSON (RFC 9110 §12.5.1).
//!
//! Only explicit types count for images. Every old browser sends `image/*` and `*/*`, so a wildcard says nothing
//! about AVIF, WebP or JPEG XL.

use super::fields::{digits, members, pieces, trim};

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
        let mut parts = pieces(member, b';').map(trim);
        let name = parts.next()?;
        let permille = weight(parts)?;
        Some(MediaRange { name, permille })
    })
}

/// The first `q` among the parameters, 1 without one; `None` when any `q` is malformed.
fn weight<'a>(parameters: impl Iterator<Item = &'a str>) -> Option<u16> {
    let mut first = None;
    for parameter in parameters {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.trim_end().eq_ignore_ascii_case("q") {
            let permille = if name.len() == 1 { quality_permille(value)? } else { return None };
            first.get_or_insert(permille);
        }
    }
    Some(first.unwrap_or(PERMILLE_MAX))
}

/// `0(.ddd)` or `1(.000)` with at most three digits, in thousandths (RFC 9110 §12.4.2).
fn quality_permille(text: &str) -> Option<u16> {
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHROME: &str = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8";
    const FIREFOX: &str = "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
    const SAFARI: &str = "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,\
                          image/svg+xml,image/*;q=0.8,*/*;q=0.5";

    fn set(avif: u16, webp: u16, jxl: u16) -> Accepted {
        Accepted { avif_permille: avif, webp_permille: webp, jxl_permille: jxl }
    }

    #[test]
    fn image_types_by_the_table() {
        let vectors = [
            ("", set(0, 0, 0)),
            ("*/*", set(0, 0, 0)),
            ("image/*", set(0, 0, 0)),
            ("image/*,*/*;q=0.8", set(0, 0, 0)),
            (CHROME, set(1000, 1000, 0)),
            (FIREFOX, set(1000, 1000, 0)),
            (SAFARI, set(1000, 1000, 1000)),
            ("text/html,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", set(1000, 1000, 0)),
            ("image/avif;q=0, image/webp", set(0, 1000, 0)),
            ("image/webp;q=0.000", set(0, 0, 0)),
            ("IMAGE/WEBP", set(0, 1000, 0)),
            ("image/webp ; q=0.5", set(0, 500, 0)),
            ("image/webp;Q=0.5", set(0, 500, 0)),
            ("image/webp;v=1", set(0, 1000, 0)),
            ("image/webp;v=\"a,b;q=0\"", set(0, 1000, 0)),
            ("image/webp;;q=0.25;ext=1", set(0, 250, 0)),
            ("image/webpx", set(0, 0, 0)),
            ("ximage/webp", set(0, 0, 0)),
            ("image /webp", set(0, 0, 0)),
            ("image/webp;q=abc", set(0, 0, 0)),
            ("image/webp;q=1.5", set(0, 0, 0)),
            ("image/webp;q", set(0, 0, 0)),
            ("image/webp;q=", set(0, 0, 0)),
            ("image/webp;q =1", set(0, 0, 0)),
            ("image/webp;q= 1", set(0, 0, 0)),
            ("image/webp;q=0.5;q=x", set(0, 0, 0)),
            ("image/avif, image/webp", set(1000, 1000, 0)),
            ("image/avif;q=0.1, image/webp;q=0.9", set(100, 900, 0)),
            ("image/webp;q=0.2, image/webp;q=0.7, image/webp;q=0.3", set(0, 700, 0)),
        ];
        for (header, expected) in vectors {
            assert_eq!(accepted(header), expected, "{header}");
        }
    }

    #[test]
    fn weights_are_zero_to_one_with_three_digits() {
        let good = [("0", 0), ("0.", 0), ("0.1", 100), ("0.12", 120), ("0.123", 123), ("1", 1000), ("1.000", 1000)];
        for (text, permille) in good {
            assert_eq!(quality_permille(text), Some(permille), "{text}");
        }
        for bad in ["", ".", ".5", "00", "0.1234", "1.001", "1.5", "2", "-0", "+1", "0,5", "\"1\"", "0.1e", "1.0000"] {
            assert_eq!(quality_permille(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_field_over_the_limit_counts_as_absent() {
        let fill = |len: usize| format!("image/webp,{}", "x".repeat(len - "image/webp,".len()));
        assert_eq!(accepted(&fill(ACCEPT_BYTES_MAX)), set(0, 1000, 0));
        assert_eq!(accepted(&fill(ACCEPT_BYTES_MAX + 1)), set(0, 0, 0));
        assert!(!accepts_json(Some(&fill(ACCEPT_BYTES_MAX))));
        assert!(accepts_json(Some(&fill(ACCEPT_BYTES_MAX + 1))));
    }

    #[test]
    fn json_is_for_those_who_take_it() {
        assert!(accepts_json(None));
        for yes in [
            "",
            "*/*",
            "application/json",
            "APPLICATION/PROBLEM+JSON",
            "application/*;q=0.1",
            CHROME,
            "application/problem+json;q=0, */*",
            "text/html, application/json;q=0.001",
        ] {
            assert!(accepts_json(Some(yes)), "{yes}");
        }
        for no in [
            "image/*",
            "image/avif,image/webp",
            "text/plain",
            "application/json;q=0",
            "application/*;q=0, */*",
            "*/*;q=0",
            "application/json;q=2",
            "application/jsonx",
        ] {
            assert!(!accepts_json(Some(no)), "{no}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_weights_stay_in_range(header in r#"(image/(webp|avif|jxl|\*)|[;,=q"\\ .01é]){0,40}"#) {
            let accepted = accepted(&header);
            for permille in [accepted.avif_permille, accepted.webp_permille, accepted.jxl_permille] {
                prop_assert!(permille <= PERMILLE_MAX);
            }
            accepts_json(Some(&header));
        }

        #[test]
        fn order_of_members_does_not_matter(a in 0_u16..=9, b in 0_u16..=9) {
            let (avif, webp) = (format!("image/avif;q=0.{a}"), format!("image/webp;q=0.{b}"));
            prop_assert_eq!(accepted(&format!("{avif},{webp}")), accepted(&format!("{webp}, {avif}")));
            prop_assert_eq!(accepted(&format!("{avif},{webp}")), set(a * 100, b * 100, 0));
        }
    }
}
