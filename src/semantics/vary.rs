//! The secondary key of a stored response: the request fields that its `Vary` names (RFC 9111 §4.1).

use http::header::ACCEPT_LANGUAGE;
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};

use super::fields::{joined, lines, members, pieces, trim};

/// The most fields that a `Vary` may name; with more, nothing is reused.
pub const VARY_NAMES_MAX: usize = 32;

/// The named fields of the request that got a response, in the order of their names, with their normalised values.
/// Equal keys are equal requests as far as the response cares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct VaryKey {
    /// Lower-case names; `None` is an absent field, which is not an empty one.
    fields: Vec<(String, Option<String>)>,
}

// === impl VaryKey ===

impl VaryKey {
    /// The key of a request under the lines of a `Vary` field, without any for a response that does not vary. `None`
    /// when the field matches no request: it names `*`, something that is no name, or more than [`VARY_NAMES_MAX`].
    pub fn of(vary: impl IntoIterator<Item: AsRef<str>>, request: &HeaderMap) -> Option<Self> {
        let names = vary_names(vary)?;
        let fields = names.into_iter().map(|name| (name.as_str().to_owned(), normalised(&name, request))).collect();
        Some(Self { fields })
    }

    /// Whether the response does not vary at all.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The named fields, each with its normalised value.
    pub fn fields(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Whether a request selects the response that this is the key of.
    ///
    /// `content_language` is the response's field of that name. A response in the one language that a client likes best
    /// is for this client even when it was got with another `Accept-Language` (§4.1 lets a cache use what it knows
    /// about a field).
    pub fn matches(&self, request: &HeaderMap, content_language: Option<&str>) -> bool {
        self.fields.iter().all(|(name, stored)| {
            let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return false };
            let presented = normalised(&name, request);
            let is_language = || {
                let (Some(presented), Some(language)) = (&presented, content_language) else { return false };
                name == ACCEPT_LANGUAGE
                    && favourite_language(presented).is_some_and(|best| best.eq_ignore_ascii_case(trim(language)))
            };
            *stored == presented || is_language()
        })
    }
}

/// The names in the lines of a `Vary` field, sorted, each once; `None` as for [`VaryKey::of`].
pub fn vary_names(vary: impl IntoIterator<Item: AsRef<str>>) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for line in vary {
        for member in members(line.as_ref()) {
            // `*` is a character of names, but no field is called so.
            let name = HeaderName::from_bytes(member.as_bytes()).ok().filter(|_| member != "*")?;
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    (names.len() <= VARY_NAMES_MAX).then_some(names)
}

/// A field of the request without differences that mean nothing: lines joined, no white space around commas.
fn normalised(name: &HeaderName, request: &HeaderMap) -> Option<String> {
    let value = joined(lines(request, name))?;
    Some(if *name == ACCEPT_LANGUAGE {
        normalised_languages(&value)
    } else {
        let tight: Vec<&str> = pieces(&value, b',').map(trim).collect();
        tight.join(",")
    })
}

/// Language ranges in lower case, the best liked first, equally liked ones by name (RFC 9110 §12.5.4).
fn normalised_languages(value: &str) -> String {
    let mut ranges: Vec<(u16, String)> = members(value)
        .map(|member| {
            let (range, parameter) = member.split_once(';').unwrap_or((member, ""));
            let permille = permille_of(parameter);
            // What is no weight stays with its range, so that two odd values are equal only when they are the same.
            let rest = if permille.is_some() { trim(range) } else { member };
            (permille.unwrap_or(0), rest.to_ascii_lowercase())
        })
        .collect();
    ranges.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    ranges.dedup();
    let written: Vec<String> = ranges
        .into_iter()
        .map(|(permille, range)| if permille == 1000 { range } else { format!("{range};q={permille}") })
        .collect();
    written.join(",")
}

/// `q=0.5` in thousandths, 1000 without a parameter; `None` when it is no weight.
fn permille_of(parameter: &str) -> Option<u16> {
    let parameter = trim(parameter);
    if parameter.is_empty() {
        return Some(1000);
    }
    let (name, weight) = parameter.split_once('=')?;
    if name.eq_ignore_ascii_case("q") { super::accept::quality_permille(weight) } else { None }
}

/// The language that a normalised field likes best, when it is one language and no other is liked as much.
fn favourite_language(normalised: &str) -> Option<&str> {
    let mut ranges = normalised.split(',').map(|range| range.rsplit_once(";q=").unwrap_or((range, "")));
    let ((first, weight), second) = (ranges.next()?, ranges.next());
    let is_language = !first.is_empty() && first != "*" && weight != "0";
    (is_language && second.is_none_or(|(_, other)| other != weight)).then_some(first)
}

#[cfg(test)]
mod tests;
