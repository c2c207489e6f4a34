//! Options that say which part of the picture is shown, where it stands, and which way up.

use crate::transform::{Asked, ExtendAsked, Rotation};

use super::args::{Anchors, ArgError, arg, boolean, float_from_zero, given, gravity, integer, not_a, pixels};
use super::{OptionGroup, OptionSpec, Scope};

pub(super) const ROWS: &[OptionSpec] = &[
    OptionSpec {
        name: "extend",
        aliases: &["ex"],
        form: "extend:%bool:%gravity:%x:%y",
        group: OptionGroup::Place,
        summary: "Grows the canvas to the requested size.",
        detail: "A picture smaller than `width` by `height` gets a border in the background's colour, or a transparent \
                 one. The gravity says where the picture stands; all types but `sm`.",
        default: "false, ce",
        examples: &["ex:1", "extend:1:so:0:10"],
        args_max: 4,
        apply: |scope, args| extend(scope, args, |asked| &mut asked.extend),
    },
    OptionSpec {
        name: "extend_aspect_ratio",
        aliases: &["extend_ar", "exar"],
        form: "extend_aspect_ratio:%bool:%gravity:%x:%y",
        group: OptionGroup::Place,
        summary: "Grows the canvas to the requested proportions.",
        detail: "As `extend`, but only up to the ratio of `width` to `height`, not up to their size.",
        default: "false, ce",
        examples: &["exar:1", "extend_ar:1:nowe"],
        args_max: 4,
        apply: |scope, args| extend(scope, args, |asked| &mut asked.extend_aspect),
    },
    OptionSpec {
        name: "gravity",
        aliases: &["g"],
        form: "gravity:%type:%x:%y",
        group: OptionGroup::Place,
        summary: "Which part stays when something is cut away.",
        detail: "Types are `ce`, `no`, `so`, `ea`, `we`, `noea`, `nowe`, `soea`, `sowe` with optional offsets towards \
                 the middle; `fp` with the point to keep, as fractions from 0 to 1 of width and height; `sm` for the \
                 most salient region. Offsets of 1 or more, or -1 or less, are pixels, others fractions of the result. \
                 Offsets that are not given keep their value, except that `sm` takes them away.",
        default: "ce:0:0",
        examples: &["g:no", "g:soea:10:20", "g:fp:0.25:0.3", "gravity:sm"],
        args_max: 3,
        apply: |scope, args| gravity(&mut scope.asked.gravity, args, Anchors::InPicture),
    },
    OptionSpec {
        name: "crop",
        aliases: &["c"],
        form: "crop:%width:%height:%gravity:%x:%y",
        group: OptionGroup::Place,
        summary: "Takes a region of the original before scaling.",
        detail: "1 or more is pixels (a fraction of a pixel is dropped), less than 1 a fraction of the side, 0 the \
                 whole side. Without a gravity of its own it uses that of `gravity`.",
        default: "0:0",
        examples: &["c:100:200", "crop:0.5:0:nowe"],
        args_max: 5,
        apply: crop,
    },
    OptionSpec {
        name: "padding",
        aliases: &["pd"],
        form: "padding:%top:%right:%bottom:%left",
        group: OptionGroup::Place,
        summary: "Adds space around the result.",
        detail: "Pixels, multiplied by `dpr`. What is left out or empty is copied: right and bottom from top, left \
                 from right; an empty top keeps its value.",
        default: "0",
        examples: &["pd:10", "padding:10:20:30:40"],
        args_max: 4,
        apply: padding,
    },
    OptionSpec {
        name: "auto_rotate",
        aliases: &["ar"],
        form: "auto_rotate:%bool",
        group: OptionGroup::Place,
        summary: "Turns the picture upright as its EXIF orientation says.",
        detail: "Happens before `rotate` and `flip`; sizes and gravities refer to the upright picture.",
        default: "as configured (true)",
        examples: &["ar:0"],
        args_max: 1,
        apply: |scope, args| {
            scope.asked.auto_rotate = Some(boolean(scope, arg(args, 0)));
            Ok(())
        },
    },
    OptionSpec {
        name: "rotate",
        aliases: &["rot"],
        form: "rotate:%degrees",
        group: OptionGroup::Place,
        summary: "Turns the picture clockwise.",
        detail: "A multiple of 90; negative numbers turn the other way.",
        default: "0",
        examples: &["rot:90", "rotate:-90"],
        args_max: 1,
        apply: |scope, args| {
            let turn = Rotation::from_degrees(integer(arg(args, 0))?);
            scope.asked.rotate = Some(turn.ok_or_else(|| not_a(arg(args, 0), "a multiple of 90"))?);
            Ok(())
        },
    },
    OptionSpec {
        name: "flip",
        aliases: &["fl"],
        form: "flip:%horizontal:%vertical",
        group: OptionGroup::Place,
        summary: "Mirrors the picture, after `rotate`.",
        detail: "Two booleans; what is left out or empty keeps its value.",
        default: "false:false",
        examples: &["fl:1", "flip:0:1"],
        args_max: 2,
        apply: |scope, args| {
            if let Some(horizontal) = given(args, 0) {
                scope.asked.flip_horizontal = Some(boolean(scope, horizontal));
            }
            if let Some(vertical) = given(args, 1) {
                scope.asked.flip_vertical = Some(boolean(scope, vertical));
            }
            Ok(())
        },
    },
];

/// `bool:gravity:x:y` into either of the two extensions.
pub(super) fn extend(
    scope: &mut Scope,
    args: &[&str],
    which: fn(&mut Asked) -> &mut ExtendAsked,
) -> Result<(), ArgError> {
    let on = boolean(scope, arg(args, 0));
    let extend = which(&mut scope.asked);
    extend.on = Some(on);
    if args.len() > 1 { gravity(&mut extend.gravity, &args[1..], Anchors::OnCanvas) } else { Ok(()) }
}

fn crop(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    let crop = &mut scope.asked.crop;
    crop.width = Some(float_from_zero(arg(args, 0))?);
    if args.len() > 1 {
        crop.height = Some(float_from_zero(args[1])?);
    }
    if args.len() > 2 { gravity(&mut crop.gravity, &args[2..], Anchors::InPicture) } else { Ok(()) }
}

/// A side that is not given is copied from what its model is now, which an earlier option may have set.
fn padding(scope: &mut Scope, args: &[&str]) -> Result<(), ArgError> {
    let sides = &mut scope.asked.padding;
    let read = |at: usize| given(args, at).map(pixels).transpose();
    sides.top = read(0)?.or(sides.top);
    sides.right = read(1)?.or(sides.top).or(sides.right);
    sides.bottom = read(2)?.or(sides.top).or(sides.bottom);
    sides.left = read(3)?.or(sides.right).or(sides.left);
    Ok(())
}
