//! For tests and the fuzz target alone: what a second reader looks for in a result.

/// Elements that never come out, whatever surrounds them, in small letters.
pub const NEVER: [&str; 17] = [
    "script",
    "foreignobject",
    "iframe",
    "object",
    "embed",
    "audio",
    "video",
    "canvas",
    "handler",
    "listener",
    "html",
    "body",
    "link",
    "meta",
    "base",
    "metadata",
    "form",
];
