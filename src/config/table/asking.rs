//! Settings of signatures, of the shape of a URL and of presets.

use super::{Form, Group, Kind, LINE, Reload, Setting, is_line};

const PREFIX: Form = Form { says: "a path such as `/img`, without a slash at its end, or nothing", holds: is_prefix };
const ONE_CHARACTER: Form = Form { says: "one character, or nothing", holds: is_one_character };
const SEPARATOR: Form = Form { says: "characters that may stand in a path, other than `/`", holds: is_separator };

pub(super) const SIGNING: Group = Group {
    title: "Signatures",
    settings: &[
        Setting {
            key: "key",
            kind: Kind::HexList,
            default: "",
            reload: Reload::Sighup,
            doc: "Keys of URL signatures; any of several is accepted, so that keys can be changed without a gap.",
        },
        Setting {
            key: "salt",
            kind: Kind::HexList,
            default: "",
            reload: Reload::Sighup,
            doc: "Salts of URL signatures, as many as there are keys; the first belongs to the first key, and so on.",
        },
        Setting {
            key: "signature.algorithm",
            kind: Kind::Choice(&["hmac-sha256", "blake3"]),
            default: "hmac-sha256",
            reload: Reload::Sighup,
            doc: "How signatures are made: as imgproxy does, or with keyed BLAKE3, which is faster.",
        },
        Setting {
            key: "signature.size",
            kind: Kind::Int { min: 1, max: 32 },
            default: "32",
            reload: Reload::Sighup,
            doc: "Bytes of the signature that count; shorter ones make shorter URLs that are easier to guess.",
        },
        Setting {
            key: "trusted_signatures",
            kind: Kind::SecretList,
            default: "",
            reload: Reload::Sighup,
            doc: "Texts that are accepted in the place of a signature, for every path; only where a key is set.",
        },
        Setting {
            key: "unsigned",
            kind: Kind::Choice(&["deny", "allow"]),
            default: "deny",
            reload: Reload::Sighup,
            doc: "Whether URLs without a signature are answered: any where no key is set, else those with `unsafe`, \
                  `insecure` or `_` in the place of the signature. `allow` lets everyone who reaches the listener ask \
                  for everything.",
        },
        Setting {
            key: "secret",
            kind: Kind::Secret,
            default: "",
            reload: Reload::Sighup,
            doc: "When set, every image request needs `Authorization: Bearer` with it: a second lock, so that only the \
                  CDN gets in.",
        },
    ],
};

pub(super) const ADDRESSES: Group = Group {
    title: "URLs",
    settings: &[
        Setting {
            key: "path_prefix",
            kind: Kind::Text(PREFIX),
            default: "",
            reload: Reload::Sighup,
            doc: "What image paths begin with, before the signature; it is not signed.",
        },
        Setting {
            key: "arguments_separator",
            kind: Kind::Text(SEPARATOR),
            default: ":",
            reload: Reload::Sighup,
            doc: "What separates the arguments of an option, in URLs and in presets.",
        },
        Setting {
            key: "allowed_options",
            kind: Kind::TextList,
            default: "",
            reload: Reload::Sighup,
            doc: "Names of the options that URLs may use, literally as they are written in the URL; empty allows all. \
                  Options inside presets are always allowed.",
        },
        Setting {
            key: "base_url",
            kind: Kind::Text(LINE),
            default: "",
            reload: Reload::Sighup,
            doc: "What is put before a source that does not begin with it already.",
        },
        Setting {
            key: "url.replacements",
            kind: Kind::Replacements,
            default: "",
            reload: Reload::Sighup,
            doc: "Rules that rewrite the beginning of a source, in order. `*` in the pattern stands for any characters \
                  but slashes and is inserted by `${1}`, `${2}` and so on.",
        },
        Setting {
            key: "base64_url_includes_filename",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Sighup,
            doc: "Whether the last segment after a base64 source is a file name that says nothing.",
        },
        Setting {
            key: "source.query_separator",
            kind: Kind::Text(ONE_CHARACTER),
            default: "?",
            reload: Reload::Sighup,
            doc: "Where the key of an object ends and its version begins, in sources that are not HTTP; empty never \
                  cuts.",
        },
        Setting {
            key: "url.bytes_max",
            kind: Kind::Bytes { min: 64, max: 64 << 10 },
            default: "8KiB",
            reload: Reload::Start,
            doc: "Length of a path.",
        },
        Setting {
            key: "url.query",
            kind: Kind::Choice(&["ignore", "refuse", "redirect"]),
            default: "ignore",
            reload: Reload::Start,
            doc: "What becomes of a query string behind an image URL, which means nothing: a CDN that has it in its \
                  key asks again for every `?r=1`. `refuse` answers 400, `redirect` sends to the URL without it.",
        },
        Setting {
            key: "url.options_max",
            kind: Kind::Int { min: 1, max: 1024 },
            default: "64",
            reload: Reload::Sighup,
            doc: "Options in a URL.",
        },
    ],
};

pub(super) const PRESETS: Group = Group {
    title: "Presets",
    settings: &[
        Setting {
            key: "presets.path",
            kind: Kind::Path,
            default: "",
            reload: Reload::Sighup,
            doc: "A folder of presets, one TOML file each, which are then the only ones. Empty activates the presets \
                  that tintype ships.",
        },
        Setting {
            key: "only_presets",
            kind: Kind::Bool,
            default: "false",
            reload: Reload::Sighup,
            doc: "Whether the options of a URL are names of presets and nothing else.",
        },
    ],
};

fn is_prefix(text: &str) -> bool {
    text.is_empty()
        || (text.starts_with('/') && !text.ends_with('/') && is_line(text) && !text.contains(['?', '#', ' ']))
}

fn is_one_character(text: &str) -> bool {
    is_line(text) && text.chars().nth(1).is_none()
}

fn is_separator(text: &str) -> bool {
    let is_unsafe = |character: char| character.is_control() || "/?# ".contains(character);
    !text.is_empty() && !text.contains(is_unsafe)
}
