//! Conditional requests: the order of RFC 9110 §13.2.2, on validators that are known without the body.
//!
//! Fields that are malformed or over their limit never match: the client then gets the whole answer (or, for
//! `If-Match`, a refusal), which is always safe.

use super::dates::parse_http_date;
use super::fields::trim;

/// The longest list of entity tags that is read.
pub const ETAG_LIST_BYTES_MAX: usize = 8 * 1024;
/// The most entity tags in one field that are compared.
pub const ETAG_LIST_TAGS_MAX: usize = 64;

/// The method of the request, as far as conditions care.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    /// Anything that changes something.
    Other,
}

/// The condition fields of a request as they came, lines of the lists joined; `None` = absent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions<'a> {
    pub if_match: Option<&'a str>,
    pub if_unmodified_since: Option<&'a str>,
    pub if_none_match: Option<&'a str>,
    pub if_modified_since: Option<&'a str>,
    pub if_range: Option<&'a str>,
}

/// What is known of the current representation. That there is one is taken for granted: conditions are evaluated only
/// when the answer without them would be 2xx.
#[derive(Debug, Clone, Copy, Default)]
pub struct Validators<'a> {
    /// As sent, with its quotes and, if weak, its `W/`.
    pub etag: Option<&'a str>,
    /// Seconds since 1970.
    pub last_modified_s: Option<u64>,
}

/// What the conditions ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as if there were no conditions; `Range` is next.
    Proceed,
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
}

/// One entity tag: the text between the quotes, and whether `W/` stood before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EntityTag<'a> {
    opaque: &'a str,
    strength: Strength,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Strong,
    Weak,
}

// === impl EntityTag ===

impl<'a> EntityTag<'a> {
    /// Reads the tag that `text` starts with, and returns what follows it. `w/` is no `W/`.
    fn read(text: &'a str) -> Option<(Self, &'a str)> {
        let (strength, quoted) = match text.strip_prefix("W/") {
            Some(quoted) => (Strength::Weak, quoted),
            None => (Strength::Strong, text),
        };
        let (opaque, rest) = quoted.strip_prefix('"')?.split_once('"')?;
        Some((Self { opaque, strength }, rest))
    }

    fn read_whole(text: &'a str) -> Option<Self> {
        Self::read(trim(text)).and_then(|(tag, rest)| rest.is_empty().then_some(tag))
    }

    fn matches_strongly(self, other: Self) -> bool {
        self == other && self.strength == Strength::Strong
    }

    fn matches_weakly(self, other: Self) -> bool {
        self.opaque == other.opaque
    }
}

/// Evaluates all conditions but `If-Range`, in their order. `now_s` as in [`parse_http_date`].
pub fn evaluate(conditions: &Conditions<'_>, validators: &Validators<'_>, method: Method, now_s: u64) -> Verdict {
    let is_modified_after = |date: &str| match (validators.last_modified_s, parse_http_date(trim(date), now_s)) {
        (Some(modified_s), Some(date_s)) => Some(modified_s > date_s),
        (None, _) | (_, None) => None,
    };
    if let Some(list) = conditions.if_match {
        if !has_match(list, validators, Strength::Strong) {
            return Verdict::PreconditionFailed;
        }
    } else if conditions.if_unmodified_since.and_then(is_modified_after) == Some(true) {
        return Verdict::PreconditionFailed;
    }
    let may_be_not_modified = method != Method::Other;
    if let Some(list) = conditions.if_none_match {
        return match has_match(list, validators, Strength::Weak) {
            true if may_be_not_modified => Verdict::NotModified,
            true => Verdict::PreconditionFailed,
            false => Verdict::Proceed,
        };
    }
    if may_be_not_modified && conditions.if_modified_since.and_then(is_modified_after) == Some(false) {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether the `Range` field of the request counts: GET, and `If-Range` absent or strongly equal to the entity tag. A
/// date never is: it cannot tell two versions of one second apart.
pub fn is_range_wanted(conditions: &Conditions<'_>, validators: &Validators<'_>, method: Method) -> bool {
    let is_same = |if_range| {
        let (asked, current) = (EntityTag::read_whole(if_range)?, EntityTag::read_whole(validators.etag?)?);
        Some(asked.matches_strongly(current))
    };
    method == Method::Get && conditions.if_range.is_none_or(|if_range| is_same(if_range) == Some(true))
}

/// Whether `If-None-Match` names the tag, or everything: the client has what it would be sent.
pub fn is_listed(if_none_match: &str, etag: &str) -> bool {
    has_match(if_none_match, &Validators { etag: Some(etag), last_modified_s: None }, Strength::Weak)
}

/// Whether two entity tags are the same by the strong comparison (RFC 9110 §8.8.3.2); what is no tag never is.
pub fn is_same_strongly(one: &str, other: &str) -> bool {
    both_tags(one, other).is_some_and(|(one, other)| one.matches_strongly(other))
}

/// Whether two entity tags are the same by the weak comparison (RFC 9110 §8.8.3.2); what is no tag never is.
pub fn is_same_weakly(one: &str, other: &str) -> bool {
    both_tags(one, other).is_some_and(|(one, other)| one.matches_weakly(other))
}

fn both_tags<'a>(one: &'a str, other: &'a str) -> Option<(EntityTag<'a>, EntityTag<'a>)> {
    Some((EntityTag::read_whole(one)?, EntityTag::read_whole(other)?))
}

/// Whether a text is an entity tag, and a strong one.
pub fn is_strong(etag: &str) -> bool {
    EntityTag::read_whole(etag).is_some_and(|tag| tag.strength == Strength::Strong)
}

/// The time that `If-Modified-Since` is compared with for a stored response: `Last-Modified`, else `Date`, else the
/// arrival (RFC 9111 §4.3.2).
pub fn stored_modified_s(last_modified_s: Option<u64>, date_s: Option<u64>, received_s: u64) -> u64 {
    last_modified_s.or(date_s).unwrap_or(received_s)
}

/// Whether `*` or a tag of a well-formed list within the limits matches.
fn has_match(list: &str, validators: &Validators<'_>, strength: Strength) -> bool {
    if list.len() > ETAG_LIST_BYTES_MAX {
        return false;
    }
    if trim(list) == "*" {
        return true;
    }
    let (Some(asked), Some(current)) = (read_list(list), validators.etag.and_then(EntityTag::read_whole)) else {
        return false;
    };
    asked.into_iter().any(|tag| match strength {
        Strength::Strong => tag.matches_strongly(current),
        Strength::Weak => tag.matches_weakly(current),
    })
}

/// All tags of a list; `None` when it is malformed or has too many. Empty members are allowed, and a comma between the
/// quotes belongs to the tag.
fn read_list(list: &str) -> Option<Vec<EntityTag<'_>>> {
    let is_between = |character| matches!(character, ' ' | '\t' | ',');
    let mut tags = Vec::new();
    let mut rest = list.trim_start_matches(is_between);
    while !rest.is_empty() {
        let (tag, after) = EntityTag::read(rest)?;
        let after = after.trim_start_matches([' ', '\t']);
        let is_ended = after.is_empty() || after.starts_with(',');
        if !is_ended || tags.len() == ETAG_LIST_TAGS_MAX {
            return None;
        }
        tags.push(tag);
        rest = after.trim_start_matches(is_between);
    }
    Some(tags)
}

#[cfg(test)]
mod tests;
