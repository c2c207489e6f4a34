//! What may stand in a drawing: elements, attributes, CSS properties and functions by name. What is not listed goes,
//! so that nobody has to know everything that could run or load.
//!
//! The lists are the static features of SVG 2 with its filters, masks and text, what exporters still write of SVG 1.1,
//! and animations of listed attributes. Names compare with their case, as in XML; CSS names in lower case.

/// What an attribute's value is, and so how it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    /// Numbers, lists of them and keywords.
    Plain,
    /// A value of CSS.
    Styled,
    /// Values of CSS between semicolons.
    Listed,
    /// Names and words.
    Text,
    /// Declarations of CSS.
    Style,
    /// An address.
    Address,
}

/// Static shapes, text, paint servers, filters, and animations of them.
#[rustfmt::skip]
const ELEMENTS: [&str; 60] = [
    "a", "animate", "animateMotion", "animateTransform", "circle", "clipPath", "defs", "desc", "ellipse", "feBlend",
    "feColorMatrix", "feComponentTransfer", "feComposite", "feConvolveMatrix", "feDiffuseLighting",
    "feDisplacementMap", "feDistantLight", "feDropShadow", "feFlood", "feFuncA", "feFuncB", "feFuncG", "feFuncR",
    "feGaussianBlur", "feImage", "feMerge", "feMergeNode", "feMorphology", "feOffset", "fePointLight",
    "feSpecularLighting", "feSpotLight", "feTile", "feTurbulence", "filter", "g", "image", "line", "linearGradient",
    "marker", "mask", "mpath", "path", "pattern", "polygon", "polyline", "radialGradient", "rect", "set", "stop",
    "style", "svg", "switch", "symbol", "text", "textPath", "title", "tspan", "use", "view",
];

/// Attributes whose values are numbers, lists of them and keywords.
#[rustfmt::skip]
const PLAIN: [&str; 112] = [
    "accumulate", "additive", "amplitude", "attributeName", "attributeType", "azimuth", "baseFrequency",
    "baseProfile", "begin", "bias", "calcMode", "clipPathUnits", "cx", "cy", "d", "diffuseConstant", "divisor",
    "dur", "dx", "dy", "edgeMode", "elevation", "end", "exponent", "filterRes", "filterUnits", "fr", "fx", "fy",
    "gradientTransform", "gradientUnits", "height", "intercept", "k1", "k2", "k3", "k4", "kernelMatrix",
    "kernelUnitLength", "keyPoints", "keySplines", "keyTimes", "lengthAdjust", "limitingConeAngle", "markerHeight",
    "markerUnits", "markerWidth", "maskContentUnits", "maskUnits", "max", "method", "min", "mode", "numOctaves",
    "offset", "operator", "order", "orient", "origin", "path", "pathLength", "patternContentUnits",
    "patternTransform", "patternUnits", "points", "pointsAtX", "pointsAtY", "pointsAtZ", "preserveAlpha",
    "preserveAspectRatio", "primitiveUnits", "r", "radius", "refX", "refY", "repeatCount", "repeatDur", "restart",
    "rotate", "rx", "ry", "scale", "seed", "side", "slope", "spacing", "specularConstant", "specularExponent",
    "spreadMethod", "startOffset", "stdDeviation", "stitchTiles", "surfaceScale", "tableValues", "targetX",
    "targetY", "textLength", "transform", "type", "version", "viewBox", "width", "x", "x1", "x2",
    "xChannelSelector", "y", "y1", "y2", "yChannelSelector", "z", "zoomAndPan",
];

/// Presentation attributes: their values are CSS and may name paint servers, filters, masks and markers.
#[rustfmt::skip]
const STYLED: [&str; 69] = [
    "alignment-baseline", "baseline-shift", "clip", "clip-path", "clip-rule", "color", "color-interpolation",
    "color-interpolation-filters", "color-rendering", "cursor", "direction", "display", "dominant-baseline",
    "enable-background", "fill", "fill-opacity", "fill-rule", "filter", "flood-color", "flood-opacity", "font",
    "font-family", "font-size", "font-size-adjust", "font-stretch", "font-style", "font-variant", "font-weight",
    "glyph-orientation-horizontal", "glyph-orientation-vertical", "image-rendering", "isolation", "kerning",
    "letter-spacing", "lighting-color", "marker", "marker-end", "marker-mid", "marker-start", "mask", "mask-type",
    "mix-blend-mode", "opacity", "overflow", "paint-order", "pointer-events", "shape-rendering", "stop-color",
    "stop-opacity", "stroke", "stroke-dasharray", "stroke-dashoffset", "stroke-linecap", "stroke-linejoin",
    "stroke-miterlimit", "stroke-opacity", "stroke-width", "text-anchor", "text-decoration", "text-overflow",
    "text-rendering", "transform-box", "transform-origin", "unicode-bidi", "vector-effect", "visibility",
    "white-space", "word-spacing", "writing-mode",
];

/// Values of an animation: CSS, several of them between semicolons.
#[rustfmt::skip]
const LISTED: [&str; 4] = [
    "by", "from", "to", "values",
];

/// Names and words: nothing reads an address in them.
#[rustfmt::skip]
const TEXT: [&str; 13] = [
    "aria-describedby", "aria-hidden", "aria-label", "aria-labelledby", "class", "id", "in", "in2", "lang", "media",
    "result", "role", "systemLanguage",
];

/// CSS properties beside the presentation attributes.
#[rustfmt::skip]
const PROPERTIES: [&str; 88] = [
    "animation", "animation-delay", "animation-direction", "animation-duration", "animation-fill-mode",
    "animation-iteration-count", "animation-name", "animation-play-state", "animation-timing-function",
    "backface-visibility", "background", "background-color", "block-progression", "cx", "cy", "d",
    "font-feature-settings", "font-kerning", "font-optical-sizing", "font-synthesis", "font-variant-caps",
    "font-variant-ligatures", "font-variant-numeric", "font-variation-settings", "height", "inline-size",
    "line-height", "margin", "mask-clip", "mask-composite", "mask-image", "mask-mode", "mask-position",
    "mask-repeat", "mask-size", "max-height", "max-width", "min-height", "min-width", "offset-anchor",
    "offset-distance", "offset-path", "offset-rotate", "outline", "overflow-x", "overflow-y", "padding",
    "perspective", "perspective-origin", "position", "r", "rotate", "rx", "ry", "scale", "shape-inside",
    "shape-margin", "shape-padding", "shape-subtract", "solid-color", "solid-opacity", "tab-size", "text-align",
    "text-align-last", "text-decoration-color", "text-decoration-line", "text-decoration-style",
    "text-decoration-thickness", "text-indent", "text-orientation", "text-shadow", "text-transform",
    "text-underline-offset", "transform", "transform-style", "transition", "transition-delay",
    "transition-duration", "transition-property", "transition-timing-function", "translate", "user-select", "width",
    "will-change", "word-break", "x", "y", "z-index",
];

/// CSS functions that compute, and name nothing outside of the drawing. `url` is looked at on its own.
#[rustfmt::skip]
const FUNCTIONS: [&str; 69] = [
    "blur", "brightness", "calc", "circle", "clamp", "color", "color-mix", "contrast", "cubic-bezier",
    "device-cmyk", "dir", "drop-shadow", "ellipse", "grayscale", "has", "hsl", "hsla", "hue-rotate", "hwb",
    "icc-color", "inset", "invert", "is", "lab", "lang", "lch", "linear-gradient", "matrix", "matrix3d", "max",
    "min", "not", "nth-child", "nth-last-child", "nth-last-of-type", "nth-of-type", "oklab", "oklch", "opacity",
    "path", "perspective", "polygon", "radial-gradient", "rect", "rgb", "rgba", "rotate", "rotate3d", "rotatex",
    "rotatey", "rotatez", "saturate", "scale", "scale3d", "scalex", "scaley", "scalez", "sepia", "skew", "skewx",
    "skewy", "steps", "translate", "translate3d", "translatex", "translatey", "translatez", "var", "where",
];

/// The element of this name, if it may stay.
pub fn element(name: &str) -> Option<&'static str> {
    find(&ELEMENTS, name)
}

/// The attribute of this name (of no namespace), if it may stay, and what its value is.
pub fn attribute(name: &str) -> Option<(&'static str, Attribute)> {
    match name {
        "style" => return Some(("style", Attribute::Style)),
        "href" => return Some(("href", Attribute::Address)),
        _ => {}
    }
    let lists: [(&[&'static str], Attribute); 4] = [
        (&PLAIN, Attribute::Plain),
        (&STYLED, Attribute::Styled),
        (&LISTED, Attribute::Listed),
        (&TEXT, Attribute::Text),
    ];
    lists.into_iter().find_map(|(list, kind)| Some((find(list, name)?, kind)))
}

/// Whether an animation may change the attribute of this name: never where it points.
pub fn is_animated(name: &str) -> bool {
    matches!(attribute(name), Some((_, Attribute::Plain | Attribute::Styled)))
}

/// Whether a declaration of this property may stay.
pub fn is_property(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with("--") || find(&STYLED, &name).is_some() || find(&PROPERTIES, &name).is_some()
}

/// Whether this function of CSS may stay, whatever its arguments.
pub fn is_function(name: &str) -> bool {
    find(&FUNCTIONS, &name.to_ascii_lowercase()).is_some()
}

fn find(list: &[&'static str], name: &str) -> Option<&'static str> {
    list.binary_search(&name).ok().map(|at| list[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_name_each_thing_once() {
        let lists: [&[&str]; 7] = [&ELEMENTS, &PLAIN, &STYLED, &LISTED, &TEXT, &PROPERTIES, &FUNCTIONS];
        for list in lists {
            assert!(list.is_sorted_by(|a, b| a < b), "{list:?}");
        }
        for name in PLAIN.iter().chain(&LISTED).chain(&TEXT) {
            assert!(find(&STYLED, name).is_none(), "{name}");
        }
    }

    #[test]
    fn what_runs_or_loads_is_on_no_list() {
        for name in ["script", "foreignObject", "iframe", "object", "embed", "audio", "video", "handler", "SCRIPT"] {
            assert_eq!(element(name), None);
        }
        for name in ["onload", "onclick", "ONLOAD", "xml:base", "base", "src", "action", "formaction", "data", "ping"] {
            assert_eq!(attribute(name), None);
        }
        for name in ["href", "style", "class", "id", "values", "xlink:href", "onclick"] {
            assert!(!is_animated(name), "{name}");
        }
        for name in ["behavior", "-moz-binding", "src", "list-style-image", "border-image", "content"] {
            assert!(!is_property(name), "{name}");
        }
        for name in ["url", "src", "expression", "image-set", "-webkit-image-set", "attr", "element", "image"] {
            assert!(!is_function(name), "{name}");
        }
    }
}
