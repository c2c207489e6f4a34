//! Why a URL was refused, with enough to tell its author what to write instead.
//!
//! Text is safe to show to clients: it repeats at most [`SHOWN_CHARS_MAX`] characters of what they sent and nothing
//! of the configuration but names that the documentation lists. Statuses are those of the native dialect: 404 for
//! everything in the grammar, 403 for signatures.

use super::ArgError;

/// How much of a client's own text an error repeats, in characters.
pub const SHOWN_CHARS_MAX: usize = 120;

/// Why a URL was refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UrlError {
    #[error("the path does not begin with the prefix of this mount")]
    OutsidePrefix,
    #[error("the path must be /<signature>/<options>/<source>")]
    Incomplete,
    #[error("signature refused")]
    BadSignature,
    #[error("the signature segment is missing: the path must be /<signature>/<options>/<source>")]
    SignatureMissing,
    #[error("no signature keys are configured and unsigned URLs are not allowed")]
    UnsignedRefused,
    #[error("options stand in segments of their own, as in rs:fit:300:200, not in the old positional form")]
    PositionalFormat,
    #[error("unknown option `{name}`")]
    UnknownOption { segment: String, name: String, nearest: Option<&'static str> },
    #[error("option `{name}` is not allowed here")]
    OptionNotAllowed { segment: String, name: String },
    #[error("option {option}: {reason}")]
    BadArgument { segment: String, option: &'static str, form: &'static str, reason: ArgError },
    #[error("option {option} takes at most {max} arguments, got {got}")]
    TooManyArguments { segment: String, option: &'static str, form: &'static str, got: usize, max: usize },
    #[error("more than {max} options, those of presets included")]
    TooManyOptions { max: usize },
    #[error("unknown preset `{name}`")]
    UnknownPreset { segment: String, name: String },
    #[error("presets stand more than {max} deep inside each other")]
    PresetsTooDeep { segment: String, max: usize },
    /// A preset's own text is broken. [`check_presets`](super::check_presets) finds this before any request does.
    #[error("preset `{preset}` is not a list of options")]
    BrokenPreset { preset: String, segment: String },
    #[error("the URL expired")]
    Expired { segment: String, at_unix_s: u64 },
    #[error("no source is named")]
    NoSource,
    #[error("the source cannot be read: {reason}")]
    BadSource { reason: SourceFault },
    #[error("unknown extension `{extension}`")]
    UnknownExtension { extension: String },
}

/// What is wrong with the text of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    #[error("it has more than one extension; write `@` as %40 in a plain source")]
    TwoExtensions,
    #[error("a `%` is not followed by two hex digits; write `%` as %25 in a plain source")]
    BadEscape,
    #[error("it is not URL-safe base64; a plain source comes after a segment `plain`")]
    BadBase64,
    #[error("it is not UTF-8 once decoded")]
    NotUtf8,
}

// === impl UrlError ===

impl UrlError {
    /// The HTTP status that answers it.
    pub fn status(&self) -> u16 {
        match self {
            Self::BadSignature | Self::SignatureMissing | Self::UnsignedRefused => 403,
            Self::OutsidePrefix
            | Self::Incomplete
            | Self::PositionalFormat
            | Self::UnknownOption { .. }
            | Self::OptionNotAllowed { .. }
            | Self::BadArgument { .. }
            | Self::TooManyArguments { .. }
            | Self::TooManyOptions { .. }
            | Self::UnknownPreset { .. }
            | Self::PresetsTooDeep { .. }
            | Self::BrokenPreset { .. }
            | Self::Expired { .. }
            | Self::NoSource
            | Self::BadSource { .. }
            | Self::UnknownExtension { .. } => 404,
        }
    }

    /// A stable name for documents, metrics and documentation; never changes once released.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OutsidePrefix => "outside-prefix",
            Self::Incomplete => "incomplete-url",
            Self::BadSignature => "bad-signature",
            Self::SignatureMissing => "signature-missing",
            Self::UnsignedRefused => "unsigned-refused",
            Self::PositionalFormat => "positional-format",
            Self::UnknownOption { .. } => "unknown-option",
            Self::OptionNotAllowed { .. } => "option-not-allowed",
            Self::BadArgument { .. } => "bad-argument",
            Self::TooManyArguments { .. } => "too-many-arguments",
            Self::TooManyOptions { .. } => "too-many-options",
            Self::UnknownPreset { .. } => "unknown-preset",
            Self::PresetsTooDeep { .. } => "presets-too-deep",
            Self::BrokenPreset { .. } => "broken-preset",
            Self::Expired { .. } => "expired",
            Self::NoSource => "no-source",
            Self::BadSource { .. } => "bad-source",
            Self::UnknownExtension { .. } => "unknown-extension",
        }
    }

    /// The part of the URL (or preset) that is at fault, where one part is.
    pub fn segment(&self) -> Option<&str> {
        match self {
            Self::UnknownOption { segment, .. }
            | Self::OptionNotAllowed { segment, .. }
            | Self::BadArgument { segment, .. }
            | Self::TooManyArguments { segment, .. }
            | Self::UnknownPreset { segment, .. }
            | Self::PresetsTooDeep { segment, .. }
            | Self::BrokenPreset { segment, .. }
            | Self::Expired { segment, .. } => Some(segment),
            Self::UnknownExtension { extension } => Some(extension),
            Self::OutsidePrefix
            | Self::Incomplete
            | Self::BadSignature
            | Self::SignatureMissing
            | Self::UnsignedRefused
            | Self::PositionalFormat
            | Self::TooManyOptions { .. }
            | Self::NoSource
            | Self::BadSource { .. } => None,
        }
    }

    /// What would have been accepted in the segment's place, where that can be said in one line.
    pub fn accepted_form(&self) -> Option<&'static str> {
        match self {
            Self::BadArgument { form, .. } | Self::TooManyArguments { form, .. } => Some(form),
            Self::UnknownOption { nearest, .. } => nearest.and_then(super::find).map(|row| row.form),
            Self::UnknownExtension { .. } => super::find("format").map(|row| row.form),
            Self::Incomplete | Self::SignatureMissing => Some("/%signature/%options/plain/%source@%extension"),
            _ => None,
        }
    }
}

/// At most [`SHOWN_CHARS_MAX`] characters of a client's text.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shown("short"), "short");
        assert_eq!(shown(&"é".repeat(SHOWN_CHARS_MAX)).chars().count(), SHOWN_CHARS_MAX);
        assert_eq!(shown(&"é".repeat(SHOWN_CHARS_MAX + 1)).chars().count(), SHOWN_CHARS_MAX);
    }

    #[test]
    fn signatures_are_forbidden_and_the_rest_not_found() {
        for error in [UrlError::BadSignature, UrlError::SignatureMissing, UrlError::UnsignedRefused] {
            assert_eq!(error.status(), 403);
        }
        assert_eq!(UrlError::NoSource.status(), 404);
        assert_eq!(UrlError::Expired { segment: "exp:1".into(), at_unix_s: 1 }.status(), 404);
    }
}
