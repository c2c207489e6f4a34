//! Options about the request itself rather than about pixels.

use base64::Engine as _;
use percent_encoding::percent_decode_str;

use super::args::{ArgError, arg, boolean, format, given, integer, not_a};
use super::{ARGS_ANY, OptionGroup, OptionSpec, Scope};
use crate::url::native::BASE64URL_LENIENT;

pub(super) const ROWS: &[OptionSpec] = &[
    OptionSpec {
        name: "skip_processing",
        aliases: &["skp"],
        form: "skip_processing:%format:%format…",
        group: OptionGroup::Handling,
        summary: "Originals of these formats pass through as they are.",
        detail: "Only when the requested format is the same or none is requested. Several such options add up.",
        default: "as configured (none)",
        examples: &["skp:gif:svg"],
        args_max: ARGS_ANY,
        apply: skip_processing,
    },
    OptionSpec {
        name: "raw",
        aliases: &[],
        form: "raw:%bool",
        group: OptionGroup::Handling,
        summary: "Answers with the original's own bytes.",
        detail: "Nothing is decoded or checked, and an extension after the source is ignored.",
        default: "false",
        examples: &["raw:1"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.raw = Some(boolean(scope, arg(args, 0)));
            Ok(())
        },
    },
    OptionSpec {
        name: "cachebuster",
        aliases: &["cb"],
        form: "cachebuster:%text",
        group: OptionGroup::Handling,
        summary: "Makes another URL for the same result.",
        detail: "Any text; it makes caches in front of tintype see a new URL and changes nothing else.",
        default: "",
        examples: &["cb:2024-06-01"],
        args_max: 1,
        apply: |_, _| Ok(()),
    },
    OptionSpec {
        name: "expires",
        aliases: &["exp"],
        form: "expires:%unix-seconds",
        group: OptionGroup::Handling,
        summary: "The URL is refused after this time.",
        detail: "Answers of 404 follow, and `max-age` never reaches beyond it. 0 or less for never.",
        default: "0",
        examples: &["exp:4102444800"],
        args_max: 1,
        apply: expires,
    },
    OptionSpec {
        name: "filename",
        aliases: &["fn"],
        form: "filename:%name:%base64",
        group: OptionGroup::Handling,
        summary: "File name, without extension, for those who save the result.",
        detail: "Percent-encoded, or URL-safe base64 where the second argument is true. Empty takes an earlier name \
                 back.",
        default: "from the source",
        examples: &["fn:holiday%20photo", "filename:aG9saWRheQ:1"],
        args_max: 2,
        apply: filename,
    },
    OptionSpec {
        name: "return_attachment",
        aliases: &["att"],
        form: "return_attachment:%bool",
        group: OptionGroup::Handling,
        summary: "Browsers save the result instead of showing it.",
        detail: "Sets `Content-Disposition: attachment`.",
        default: "false",
        examples: &["att:1"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.attachment = Some(boolean(scope, arg(args, 0)));
            Ok(())
        },
    },
    OptionSpec {
        name: "preset",
        aliases: &["pr"],
        form: "preset:%name:%name…",
        group: OptionGroup::Handling,
        summary: "Options that the operator gave a name.",
        detail: "Presets are expanded where they stand, in order. A preset inside itself is skipped. The preset \
                 `default`, where defined, comes before everything else.",
        default: "",
        examples: &["pr:thumb", "preset:thumb:sharp"],
        args_max: ARGS_ANY,
        apply: |scope, args| {
            scope.presets_wanted.extend(args.iter().map(|name| (*name).to_owned()));
            Ok(())
        },
    },
];

fn skip_processing(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    for name in args {
        let format = format(name)?;
        if !scope.asked.skip_processing.contains(&format) {
            scope.asked.skip_processing.push(format);
        }
    }
    Ok(())
}

fn expires(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    let text = arg(args, 0);
    let at = integer(text).map_err(|_| not_a(text, "a time in Unix seconds"))?;
    let at_unix_s = u64::try_from(at).unwrap_or(0);
    if at_unix_s > 0 && at_unix_s < scope.now_unix_s {
        return Err(ArgError::Expired { at_unix_s });
    }
    scope.asked.expires = Some(at_unix_s);
    Ok(())
}

/// Imgproxy takes the plain form literally; here it is percent-decoded, and what is not percent-encoded UTF-8 still
/// means itself.
fn filename(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    let text = arg(args, 0);
    let is_base64 = given(args, 1).is_some_and(|flag| boolean(scope, flag));
    let name = if is_base64 {
        let bytes = BASE64URL_LENIENT.decode(text.trim_end_matches('='));
        let name = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        name.ok_or_else(|| not_a(text, "URL-safe base64 of UTF-8 text"))?
    } else {
        percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Into::into)
    };
    scope.asked.filename = Some(name).filter(|name| !name.is_empty());
    Ok(())
}
