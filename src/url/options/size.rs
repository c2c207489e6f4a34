//! Options that say how large the result is.

use crate::transform::ResizeType;

use super::args::{ArgError, arg, boolean, float_over_zero, given, not_a, pixels};
use super::{OptionGroup, OptionSpec, Scope, place};

pub(super) const ROWS: &[OptionSpec] = &[
    OptionSpec {
        name: "resize",
        aliases: &["rs"],
        form: "resize:%type:%width:%height:%enlarge:%extend:%gravity:%x:%y",
        group: OptionGroup::Size,
        summary: "Type, width, height and what belongs to them, in one.",
        detail: "The same as `resizing_type` and `size` with these arguments. Each argument may be left empty or, at \
                 the end, left out; what is not given keeps its value.",
        default: "",
        examples: &["rs:fill:300:200", "rs:fit:300:0:1", "resize:fit::200"],
        args_max: 8,
        apply: resize,
    },
    OptionSpec {
        name: "size",
        aliases: &["s"],
        form: "size:%width:%height:%enlarge:%extend:%gravity:%x:%y",
        group: OptionGroup::Size,
        summary: "Width, height and what belongs to them, in one.",
        detail: "The same as `width`, `height`, `enlarge` and `extend` with these arguments. Each of these four may be \
                 left empty or, at the end, left out; gravity and offsets are those of `extend` and are read only \
                 after a non-empty `%extend`.",
        default: "",
        examples: &["s:300:200", "size:300:200:1:1:so"],
        args_max: 7,
        apply: size,
    },
    OptionSpec {
        name: "resizing_type",
        aliases: &["rt"],
        form: "resizing_type:%type",
        group: OptionGroup::Size,
        summary: "How the picture's proportions and the requested box are brought together.",
        detail: "`fit`: inside the box. `fill`: covers the box, the rest is cut away. `fill-down`: as `fill`, but a \
                 picture smaller than the box is cut to the box's proportions instead. `force`: exactly the box, \
                 proportions are not kept. `auto`: `fill` when picture and box are both landscape or both portrait, \
                 else `fit`.",
        default: "fit",
        examples: &["rt:fill"],
        args_max: 1,
        apply: |scope, args| {
            let kind = ResizeType::from_name(arg(args, 0));
            scope.asked.resize = Some(kind.ok_or_else(|| not_a(arg(args, 0), "a resizing type"))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "width",
        aliases: &["w"],
        form: "width:%pixels",
        group: OptionGroup::Size,
        summary: "Requested width.",
        detail: "0 derives the width from the height; with the type `force` it keeps the picture's own.",
        default: "0",
        examples: &["w:300"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.width = Some(pixels(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "height",
        aliases: &["h"],
        form: "height:%pixels",
        group: OptionGroup::Size,
        summary: "Requested height.",
        detail: "0 derives the height from the width; with the type `force` it keeps the picture's own.",
        default: "0",
        examples: &["h:200"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.height = Some(pixels(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "min-width",
        aliases: &["mw"],
        form: "min-width:%pixels",
        group: OptionGroup::Size,
        summary: "A floor for the width of the scaled picture.",
        detail: "Where the scaled picture would be narrower it is scaled to this width instead, proportions kept, even \
                 if that means up; then the result is cut to `width` and `height`. 0 for no floor.",
        default: "0",
        examples: &["mw:120"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.min_width = Some(pixels(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "min-height",
        aliases: &["mh"],
        form: "min-height:%pixels",
        group: OptionGroup::Size,
        summary: "A floor for the height of the scaled picture.",
        detail: "Where the scaled picture would be lower it is scaled to this height instead, proportions kept, even \
                 if that means up; then the result is cut to `width` and `height`. 0 for no floor.",
        default: "0",
        examples: &["mh:90"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.min_height = Some(pixels(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "zoom",
        aliases: &["z"],
        form: "zoom:%x:%y",
        group: OptionGroup::Size,
        summary: "Multiplies the scale after fitting.",
        detail: "One number is for both axes. Numbers are over 0 and neither may be empty. Offsets and paddings are \
                 not multiplied.",
        default: "1",
        examples: &["z:1.5", "zoom:0.5:0.75"],
        args_max: 2,
        apply: |scope, args| {
            let x = float_over_zero(arg(args, 0))?;
            let y = if args.len() > 1 { float_over_zero(args[1])? } else { x };
            scope.asked.zoom = Some((x, y));
            Ok(())
        },
    },
    OptionSpec {
        name: "dpr",
        aliases: &[],
        form: "dpr:%ratio",
        group: OptionGroup::Size,
        summary: "Device pixel ratio: multiplies size, offsets and paddings.",
        detail: "A number over 0. It is lowered where it alone would make the picture larger than the original, unless \
                 `enlarge` is on.",
        default: "1",
        examples: &["dpr:2"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.dpr = Some(float_over_zero(arg(args, 0))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "enlarge",
        aliases: &["el"],
        form: "enlarge:%bool",
        group: OptionGroup::Size,
        summary: "Permits the picture to be scaled up.",
        detail: "Off, a picture smaller than the requested box keeps its size.",
        default: "false",
        examples: &["el:1"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.enlarge = Some(boolean(scope, arg(args, 0)));
            Ok(())
        },
    },
];

fn resize(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    if let Some(name) = given(args, 0) {
        scope.asked.resize = Some(ResizeType::from_name(name).ok_or_else(|| not_a(name, "a resizing type"))?);
    }
    size(scope, args.get(1..).unwrap_or_default())
}

fn size(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    if let Some(width) = given(args, 0) {
        scope.asked.width = Some(pixels(width)?);
    }
    if let Some(height) = given(args, 1) {
        scope.asked.height = Some(pixels(height)?);
    }
    if let Some(enlarge) = given(args, 2) {
        scope.asked.enlarge = Some(boolean(scope, enlarge));
    }
    // An empty `extend` ends the list: what follows it is not even read.
    if given(args, 3).is_some() { place::extend(scope, &args[3..], |asked| &mut asked.extend) } else { Ok(()) }
}
