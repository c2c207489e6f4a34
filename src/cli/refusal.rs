//! Why words of a URL were refused, for the person who wrote them: the part at fault and what would be accepted.

use std::fmt::Write as _;

use anyhow::{Error, anyhow};

use crate::url::UrlError;

/// The error with the segment it is about and the form that would have been accepted, a line each.
pub fn explained(error: &UrlError) -> Error {
    let mut text = error.to_string();
    if let UrlError::UnknownOption { nearest: Some(nearest), .. } = error {
        let _ = write!(text, "; did you mean `{nearest}`?");
    }
    if let Some(segment) = error.segment() {
        let _ = write!(text, "\n  in        {segment}");
    }
    if let Some(form) = error.accepted_form() {
        let _ = write!(text, "\n  accepted  {form}");
    }
    if let Some(command) = more(error) {
        let _ = write!(text, "\n  more      {command}");
    }
    anyhow!(text)
}

/// The command that shows what there is.
fn more(error: &UrlError) -> Option<String> {
    match error {
        UrlError::BadArgument { option, .. } | UrlError::TooManyArguments { option, .. } => {
            Some(format!("tintype options {option}"))
        }
        UrlError::UnknownOption { nearest, .. } => {
            Some(format!("tintype options {}", nearest.unwrap_or_default()).trim_end().to_owned())
        }
        UrlError::UnknownPreset { .. } => Some("tintype check".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::{DialectSpec, parse};

    #[test]
    fn the_segment_the_form_and_the_way_to_more_are_named() {
        let mut spec = DialectSpec::default();
        spec.signing.allow_unsigned = true;
        let of = |options: &str| {
            let error = parse(&format!("/unsafe/{options}/plain/a"), &spec, 0).unwrap_err();
            explained(&error).to_string()
        };
        let unknown = of("widht:3");
        assert!(
            unknown.starts_with("unknown option `widht`; did you mean `width`?\n  in        widht:3\n"),
            "{unknown}"
        );
        assert!(unknown.contains("\n  accepted  width:%"), "{unknown}");
        assert!(unknown.ends_with("\n  more      tintype options width"), "{unknown}");
        let bad = of("q:high");
        assert!(bad.starts_with("option quality: `high` is not "), "{bad}");
        assert!(bad.contains("\n  accepted  quality:%0-100"), "{bad}");
    }
}
