//! Requests that run in a circle. `CDN-Loop` (RFC 8586) and `Via` (RFC 9110 §7.6.3) say through which servers a request
//! has come; each server of ours adds its name to both and refuses a request that has the name already.
//!
//! A name is that of a deployment where the operator gives one, so that a circle through several nodes is found at its
//! first round, or else that of one process. Another deployment has another name, so that one may well stand in front
//! of another; how many of them may stand in a row is limited, which ends the circles of nodes that have no name in
//! common.

use http::header::{HeaderMap, HeaderName, HeaderValue, VIA};

use super::fields::{lines, members};

/// Source: RFC 8586 §2.
pub const CDN_LOOP: HeaderName = HeaderName::from_static("cdn-loop");

/// What the names of all servers of this kind begin with.
const PREFIX: &str = "tintype-";

/// Characters of a name, its beginning included; what is longer is none of ours.
pub const NAME_CHARS_MAX: usize = 72;

/// Names that are read of a request; more than any limit allows.
const NAMES_MAX: usize = 128;

/// The servers of this kind that a request came through, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Passed(Vec<String>);

/// This server among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: String,
    hops_max: usize,
}

/// Why a request goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    /// It was here before.
    Own,
    /// It came through more servers than `max`.
    Hops { max: usize },
}

// === impl Passed ===

impl Passed {
    /// What a request says.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut names: Vec<String> = Vec::new();
        for line in lines(headers, CDN_LOOP) {
            // Parameters follow behind a semicolon.
            members(&line).filter_map(|member| member.split(';').next()).for_each(|name| note(&mut names, name));
        }
        for line in lines(headers, VIA) {
            // Protocol, name, comment.
            members(&line)
                .filter_map(|hop| hop.split_ascii_whitespace().nth(1))
                .for_each(|name| note(&mut names, name));
        }
        Self(names)
    }

    /// Whether the request came straight here, as far as such servers go.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

// === impl Identity ===

impl Identity {
    /// The server of this name, which takes no request that came through more than `hops_max` others.
    pub fn new(name: &str, hops_max: usize) -> Self {
        Self { name: format!("{PREFIX}{name}"), hops_max }
    }

    /// As others read it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a request that came through these servers goes no further.
    pub fn judge(&self, passed: &Passed) -> Option<Loop> {
        if passed.0.iter().any(|name| name.eq_ignore_ascii_case(&self.name)) {
            return Some(Loop::Own);
        }
        (passed.0.len() > self.hops_max).then_some(Loop::Hops { max: self.hops_max })
    }

    /// The fields of a request that is sent on behalf of one that came through these servers.
    ///
    /// Only servers of this kind are named. One fetch serves everyone who asks at the time, so that nothing else of
    /// what one of them wrote may decide how it goes.
    pub fn fields(&self, passed: &Passed) -> HeaderMap {
        let names = || passed.0.iter().map(String::as_str).chain([self.name.as_str()]);
        let cdn_loop = names().collect::<Vec<_>>().join(", ");
        let via = names().map(|name| format!("1.1 {name}")).collect::<Vec<_>>().join(", ");
        let field = |(name, list): (HeaderName, String)| Some((name, HeaderValue::try_from(list).ok()?));
        [(CDN_LOOP, cdn_loop), (VIA, via)].into_iter().filter_map(field).collect()
    }
}

impl Default for Identity {
    /// A server that nobody asks, such as a command that fetches one original.
    fn default() -> Self {
        Self::new("command", usize::MAX)
    }
}

fn note(names: &mut Vec<String>, name: &str) {
    let name = name.trim_ascii();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let is_ours = name.len() <= NAME_CHARS_MAX
        && name.get(..PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(PREFIX))
        && name.bytes().all(is_plain);
    if is_ours && names.len() < NAMES_MAX && !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        names.push(name.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a [(HeaderName, &'a str)], &'a [&'a str]);

    fn passed(fields: &[(HeaderName, &str)]) -> Passed {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, value.parse().expect("a value"));
        }
        Passed::of(&headers)
    }

    #[test]
    fn names_are_found_in_both_fields_and_counted_once() {
        let rows: [Row<'_>; 7] = [
            (&[], &[]),
            (&[(CDN_LOOP, "cloudflare; loops=1, tintype-a;v=1 , other")], &["tintype-a"]),
            (
                &[(VIA, "1.1 varnish, 2 tintype-b (with, words)"), (VIA, "HTTP/1.1 tintype-c")],
                &["tintype-b", "tintype-c"],
            ),
            (&[(CDN_LOOP, "tintype-a"), (VIA, "1.1 tintype-a"), (CDN_LOOP, "TINTYPE-A")], &["tintype-a"]),
            (&[(CDN_LOOP, "x; a=\"tintype-a, tintype-b\"")], &[]),
            (&[(VIA, "tintype-a"), (CDN_LOOP, "tintype, tintype-é, tintype-a b")], &[]),
            (&[(CDN_LOOP, ",, ;tintype-a, tintype-")], &["tintype-"]),
        ];
        for (fields, names) in rows {
            assert_eq!(passed(fields).0, names, "{fields:?}");
        }
    }

    #[test]
    fn one_has_been_here_and_others_are_counted() {
        let own = Identity::new("a", 2);
        let judged = |list: &str| own.judge(&passed(&[(CDN_LOOP, list)]));
        assert_eq!(judged("cdn, tintype-b, tintype-c"), None);
        assert_eq!(judged("tintype-b, tintype-c, tintype-d"), Some(Loop::Hops { max: 2 }));
        assert_eq!(judged("tintype-b, Tintype-A"), Some(Loop::Own));
        assert_eq!(judged("tintype-ab"), None);
        assert_eq!(Identity::new("a", 0).judge(&Passed::default()), None);
    }

    #[test]
    fn what_is_sent_is_found_again() {
        let (first, second) = (Identity::new("a", 4), Identity::new("b.c_d", 4));
        let through_first = Passed::of(&first.fields(&Passed::default()));
        let fields = second.fields(&through_first);
        assert_eq!(fields[CDN_LOOP], "tintype-a, tintype-b.c_d");
        assert_eq!(fields[VIA], "1.1 tintype-a, 1.1 tintype-b.c_d");
        let through_both = Passed::of(&fields);
        assert_eq!((first.judge(&through_both), second.judge(&through_both)), (Some(Loop::Own), Some(Loop::Own)));
        assert_eq!(Identity::new("other", 2).judge(&through_both), None);
    }

    #[test]
    fn no_header_makes_the_list_endless_or_its_names_long() {
        let many: Vec<String> = (0..1000).map(|number| format!("tintype-{number}")).collect();
        assert_eq!(passed(&[(CDN_LOOP, &many.join(","))]).0.len(), NAMES_MAX);
        let name = |len: usize| format!("tintype-{}", "x".repeat(len - PREFIX.len()));
        assert_eq!(passed(&[(CDN_LOOP, &name(NAME_CHARS_MAX))]).0.len(), 1);
        assert_eq!(passed(&[(CDN_LOOP, &name(NAME_CHARS_MAX + 1))]).0.len(), 0);
    }
}
