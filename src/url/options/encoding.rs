//! Options that say how the result is written.

use super::args::{ArgError, arg, boolean, format, quality, unsigned};
use super::{ARGS_ANY, OptionGroup, OptionSpec, Scope};

pub(super) const ROWS: &[OptionSpec] = &[
    OptionSpec {
        name: "quality",
        aliases: &["q"],
        form: "quality:%0-100",
        group: OptionGroup::Encoding,
        summary: "Quality of lossy formats.",
        detail: "1 to 100, for whatever format comes out; 0 leaves it to `format_quality` and the configuration.",
        default: "0",
        examples: &["q:80"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.quality = Some(quality(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "format_quality",
        aliases: &["fq"],
        form: "format_quality:%format:%0-100:%format:%0-100…",
        group: OptionGroup::Encoding,
        summary: "Quality for each format.",
        detail: "Pairs of a format and its quality; formats that are not named keep theirs. `quality` wins over it.",
        default: "as configured",
        examples: &["fq:jpg:80:webp:76:avif:60"],
        args_max: ARGS_ANY,
        apply: format_quality,
    },
    OptionSpec {
        name: "max_bytes",
        aliases: &["mb"],
        form: "max_bytes:%bytes",
        group: OptionGroup::Encoding,
        summary: "Lowers the quality until the file is no larger than this.",
        detail: "Works for lossy formats; the lowest quality may still be larger. 0 for any size.",
        default: "0",
        examples: &["mb:50000"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.max_bytes = Some(unsigned(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "format",
        aliases: &["f", "ext"],
        form: "format:%jpg|jpeg|png|webp|avif|jxl|gif|tiff|heic|bmp|ico|svg",
        group: OptionGroup::Encoding,
        summary: "The format of the result.",
        detail: "Without it the format is negotiated from what the client accepts. An extension after the source \
                 (`@webp`, `.webp`) says the same and wins. `svg` is possible for SVG originals only.",
        default: "negotiated",
        examples: &["f:webp", "ext:png"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.format = Some(format(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "strip_metadata",
        aliases: &["sm"],
        form: "strip_metadata:%bool",
        group: OptionGroup::Encoding,
        summary: "Leaves EXIF, XMP, IPTC and comments out of the result.",
        detail: "What concerns copyright stays where `keep_copyright` is on.",
        default: "as configured (true)",
        examples: &["sm:0"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.strip_metadata = Some(boolean(scope, arg(args, 0)));
            Ok(())
        },
    },
    OptionSpec {
        name: "keep_copyright",
        aliases: &["kcr"],
        form: "keep_copyright:%bool",
        group: OptionGroup::Encoding,
        summary: "Keeps the copyright fields when metadata is stripped.",
        detail: "Has an effect only together with `strip_metadata`.",
        default: "as configured (true)",
        examples: &["kcr:0"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.keep_copyright = Some(boolean(scope, arg(args, 0)));
            Ok(())
        },
    },
    OptionSpec {
        name: "strip_color_profile",
        aliases: &["scp"],
        form: "strip_color_profile:%bool",
        group: OptionGroup::Encoding,
        summary: "Converts to sRGB and leaves the colour profile out.",
        detail: "Off, the result carries the original's profile where its format can.",
        default: "as configured (true)",
        examples: &["scp:0"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.strip_color_profile = Some(boolean(scope, arg(args, 0)));
            Ok(())
        },
    },
];

fn format_quality(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    if !args.len().is_multiple_of(2) {
        return Err(ArgError::Shape("the last format has no quality"));
    }
    for pair in args.chunks_exact(2) {
        scope.asked.format_quality.insert(format(pair[0])?, quality(pair[1])?);
    }
    Ok(())
}
