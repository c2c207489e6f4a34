//! Options that change pixels where they are.

use crate::transform::Rgb;

use super::args::{ArgError, arg, channel, colour, float_from_zero, pixels};
use super::{OptionGroup, OptionSpec, Scope};

pub(super) const ROWS: &[OptionSpec] = &[
    OptionSpec {
        name: "background",
        aliases: &["bg"],
        form: "background:%hex or background:%red:%green:%blue",
        group: OptionGroup::Pixels,
        summary: "The colour under transparent parts, borders and paddings.",
        detail: "Three or six hexadecimal digits without `#`, or three numbers from 0 to 255. Empty takes an earlier \
                 background back.",
        default: "none",
        examples: &["bg:fff", "bg:ff8000", "background:255:128:0", "bg:"],
        args_max: 3,
        apply: background,
    },
    OptionSpec {
        name: "blur",
        aliases: &["bl"],
        form: "blur:%sigma",
        group: OptionGroup::Pixels,
        summary: "Gaussian blur.",
        detail: "Sigma in pixels of the result, not multiplied by `dpr`; 0 for none.",
        default: "0",
        examples: &["bl:2.5"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.blur = Some(float_from_zero(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "sharpen",
        aliases: &["sh"],
        form: "sharpen:%sigma",
        group: OptionGroup::Pixels,
        summary: "Sharpening.",
        detail: "Sigma in pixels of the result, not multiplied by `dpr`; 0 for none. Between 0.5 and 1 is usual.",
        default: "0",
        examples: &["sh:0.7"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.sharpen = Some(float_from_zero(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "pixelate",
        aliases: &["pix"],
        form: "pixelate:%pixels",
        group: OptionGroup::Pixels,
        summary: "Shows the picture in square blocks of one colour each.",
        detail: "The edge of a block in pixels of the result; 0 and 1 do nothing.",
        default: "0",
        examples: &["pix:8"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.pixelate = Some(pixels(arg(args, 0))?);
            Ok(())
        },
    },
];

fn background(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    scope.asked.background = Some(match args {
        [""] => None,
        [hex] => Some(colour(hex)?),
        [red, green, blue] => Some(Rgb(channel(red)?, channel(green)?, channel(blue)?)),
        _ => return Err(ArgError::Shape("a colour is one hexadecimal number or three channels")),
    });
    Ok(())
}
