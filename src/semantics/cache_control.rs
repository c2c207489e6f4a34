//! The `Cache-Control` field of a response (RFC 9111 §5.2), read as a careful shared cache reads it.
//!
//! In doubt the reading is the stricter one: of several values the smallest counts, a value that is no number means
//! "stale already", and a field-name list after `private` or `no-cache` is taken for the whole response.

use serde::{Deserialize, Serialize};

use super::fields::{delta_s, is_token_byte, members};

/// What a response says about its storing and reuse. Durations in seconds, at most `fields::DELTA_S_MAX`;
/// a malformed one is `Some(0)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheControl {
    pub max_age_s: Option<u64>,
    pub s_maxage_s: Option<u64>,
    /// RFC 5861 §3.
    pub stale_while_revalidate_s: Option<u64>,
    /// RFC 5861 §4.
    pub stale_if_error_s: Option<u64>,
    flags: u8,
}

/// A directive without a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Flag {
    NoStore = 1,
    NoCache = 1 << 1,
    Private = 1 << 2,
    Public = 1 << 3,
    MustRevalidate = 1 << 4,
    ProxyRevalidate = 1 << 5,
    /// With `no-store`: store anyway when the status code is one we know.
    MustUnderstand = 1 << 6,
}

const FLAGS: [(&str, Flag); 7] = [
    ("no-store", Flag::NoStore),
    ("no-cache", Flag::NoCache),
    ("private", Flag::Private),
    ("public", Flag::Public),
    ("must-revalidate", Flag::MustRevalidate),
    ("proxy-revalidate", Flag::ProxyRevalidate),
    ("must-understand", Flag::MustUnderstand),
];

// === impl CacheControl ===

impl CacheControl {
    /// Reads all lines of the field. Unknown and malformed directives are left out; nothing is an error.
    pub fn parse(lines: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let mut control = Self::default();
        for line in lines {
            for member in members(line.as_ref()) {
                control.take(member);
            }
        }
        control
    }

    /// Whether the directive is there.
    pub const fn has(&self, flag: Flag) -> bool {
        self.flags & flag as u8 != 0
    }

    fn take(&mut self, member: &str) {
        let (name, argument) = member.split_once('=').unwrap_or((member, ""));
        // White space beside the equals sign: no directive by the grammar, so as unknown as any other word.
        if !name.bytes().all(is_token_byte) || argument.starts_with([' ', '\t']) {
            return;
        }
        if let Some(flag) = Flag::named(name) {
            self.set(flag);
        } else if let Some(slot) = self.duration_named(name) {
            let seconds = delta_s(unquoted(argument)).unwrap_or(0);
            *slot = Some(slot.map_or(seconds, |other| other.min(seconds)));
        }
    }

    pub(super) fn set(&mut self, flag: Flag) {
        self.flags |= flag as u8;
    }

    /// The duration that a directive of this name says.
    pub(super) fn duration_named(&mut self, name: &str) -> Option<&mut Option<u64>> {
        match name {
            _ if name.eq_ignore_ascii_case("max-age") => Some(&mut self.max_age_s),
            _ if name.eq_ignore_ascii_case("s-maxage") => Some(&mut self.s_maxage_s),
            _ if name.eq_ignore_ascii_case("stale-while-revalidate") => Some(&mut self.stale_while_revalidate_s),
            _ if name.eq_ignore_ascii_case("stale-if-error") => Some(&mut self.stale_if_error_s),
            _ => None,
        }
    }
}

// === impl Flag ===

impl Flag {
    pub(super) fn named(name: &str) -> Option<Self> {
        FLAGS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, flag)| *flag)
    }
}

/// The text without the quotes around it.
pub(super) fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::semantics::fields::DELTA_S_MAX;

    fn max_age(lines: &[&str]) -> Option<u64> {
        CacheControl::parse(lines.iter().copied()).max_age_s
    }

    #[test]
    fn max_age_by_the_table() {
        let vectors: [(&[&str], Option<u64>); 28] = [
            (&[], None),
            (&["max-age=3600"], Some(3600)),
            (&["MaX-aGe=3600"], Some(3600)),
            (&["max-age=003600"], Some(3600)),
            (&["max-age=\"3600\""], Some(3600)),
            (&["max-age=2147483648"], Some(DELTA_S_MAX)),
            (&["max-age=99999999999"], Some(DELTA_S_MAX)),
            (&["max-age=99999999999999999999999"], Some(DELTA_S_MAX)),
            (&["max-age='3600'"], Some(0)),
            (&["max-age=3600.0"], Some(0)),
            (&["max-age=3600.5"], Some(0)),
            (&["max-age=a3600"], Some(0)),
            (&["max-age=3600a"], Some(0)),
            (&["max-age=3600 a"], Some(0)),
            (&["max-age=-3600"], Some(0)),
            (&["max-age="], Some(0)),
            (&["max-age"], Some(0)),
            (&["max-age=\"3600"], Some(0)),
            (&["max-age =3600"], None),
            (&["max-age= 3600"], None),
            (&["extension=\"max-age=3600\", max-age=1"], Some(1)),
            (&["max-age=1, extension=\"max-age=3600\""], Some(1)),
            (&["extension=\"a\\\", max-age=3600\", max-age=5"], Some(5)),
            (&["max-age=1800, max-age=1"], Some(1)),
            (&["max-age=1, max-age=1800"], Some(1)),
            (&["max-age=1800", "max-age=1"], Some(1)),
            (&["max-age=1", "max-age=1800"], Some(1)),
            (&["s-maxage=1"], None),
        ];
        for (lines, expected) in vectors {
            assert_eq!(max_age(lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn durations_are_kept_apart() {
        let control = CacheControl::parse(["max-age=1, S-MaxAge=2", "stale-while-revalidate=3,stale-if-error=x"]);
        assert_eq!(control.max_age_s, Some(1));
        assert_eq!(control.s_maxage_s, Some(2));
        assert_eq!(control.stale_while_revalidate_s, Some(3));
        assert_eq!(control.stale_if_error_s, Some(0));
    }

    #[test]
    fn flags_are_found_with_and_without_arguments() {
        for (name, flag) in FLAGS {
            for text in
                [name.to_string(), name.to_uppercase(), format!("max-age=1 , {name}"), format!("{name}=\"a,b\"")]
            {
                let control = CacheControl::parse([text.as_str()]);
                for (_, other) in FLAGS {
                    assert_eq!(control.has(other), other == flag, "{text}: {other:?}");
                }
            }
        }
        for none in ["", "no-storage", "no store", "ext=\"no-store\"", "x=no-store"] {
            assert!(!CacheControl::parse([none]).has(Flag::NoStore), "{none}");
        }
    }

    #[test]
    fn an_open_quote_hides_no_directive() {
        assert!(CacheControl::parse(["ext=\"a, no-store"]).has(Flag::NoStore));
    }

    proptest! {
        #[test]
        fn never_panics(line in r#"(max-age|s-maxage|no-cache|[=,"\\ 09a'é-]){0,30}"#) {
            CacheControl::parse([line.as_str()]);
        }

        #[test]
        fn lines_and_members_mean_the_same(a in 0_u64..5000, b in 0_u64..5000) {
            let (first, second) = (format!("max-age={a}"), format!("max-age={b}, private"));
            let apart = CacheControl::parse([first.as_str(), second.as_str()]);
            let together = format!("{first},{second}");
            prop_assert_eq!(apart, CacheControl::parse([together.as_str()]));
            prop_assert_eq!(apart.max_age_s, Some(a.min(b)));
        }
    }
}
