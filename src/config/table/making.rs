//! Settings of what comes out and of the work it may cost.

use std::time::Duration;

use super::{FORMATS as ALL_FORMATS, Group, Kind, QUALITY_FORMATS, Reload, Setting};

const TIMEOUT: Kind = Kind::Duration { min: Duration::from_millis(10), max: Duration::from_mins(10) };
const PIXELS: Kind = Kind::Int { min: 1, max: 10_000_000_000 };

pub(super) const FORMATS: Group = Group {
    title: "Formats",
    settings: &[
        Setting {
            key: "format_preference",
            kind: Kind::ChoiceList(&["avif", "webp", "jxl"]),
            default: "avif,webp",
            reload: Reload::Sighup,
            doc: "Formats that may answer a URL which names none, where the client's `Accept` takes them, best first. \
                  Empty negotiates nothing.",
        },
        Setting {
            key: "quality",
            kind: Kind::Int { min: 1, max: 100 },
            default: "80",
            reload: Reload::Sighup,
            doc: "Quality of formats that `format_quality` does not name.",
        },
        Setting {
            key: "format_quality",
            kind: Kind::Qualities(QUALITY_FORMATS),
            default: "avif=63,jxl=77,webp=79",
            reload: Reload::Sighup,
            doc: "Quality by format; formats that are not named keep their default.",
        },
        Setting {
            key: "skip_processing_formats",
            kind: Kind::ChoiceList(ALL_FORMATS),
            default: "",
            reload: Reload::Sighup,
            doc: "Originals of these formats pass through untouched where the same or no format is asked for.",
        },
        Setting {
            key: "truncated",
            kind: Kind::Choice(&["show", "refuse"]),
            default: "show",
            reload: Reload::Sighup,
            doc: "What becomes of an original whose data end too early: what there is of it is shown and kept for \
                  `ttl_truncated` only, or the request is refused.",
        },
    ],
};

pub(super) const PIXELS_AND_METADATA: Group = Group {
    title: "Pixels and metadata",
    settings: &[
        Setting {
            key: "linear_light",
            kind: Kind::Bool,
            default: "true",
            reload: Reload::Sighup,
            doc: "Whether pictures are resized in linear light, which keeps fine detail as bright as it was.",
        },
        Setting {
            key: "auto_rotate",
            kind: Kind::Bool,
            default: "true",
            reload: Reload::Sighup,
            doc: "Whether pictures are turned as their orientation tag says; options may say otherwise.",
        },
        Setting {
            key: "strip_metadata",
            kind: Kind::Bool,
            default: "true",
            reload: Reload::Sighup,
            doc: "Whether EXIF, XMP and IPTC are removed; options may say otherwise.",
        },
        Setting {
            key: "keep_copyright",
            kind: Kind::Bool,
            default: "true",
            reload: Reload::Sighup,
            doc: "Whether author and copyright stay when metadata are removed; options may say otherwise.",
        },
        Setting {
            key: "strip_color_profile",
            kind: Kind::Bool,
            default: "true",
            reload: Reload::Sighup,
            doc: "Whether pictures are converted to sRGB and lose their colour profile; options may say otherwise.",
        },
        Setting {
            key: "pixel_epoch",
            kind: Kind::Int { min: 0, max: u32::MAX as u64 },
            default: "0",
            reload: Reload::Sighup,
            doc: "The number of the pixels that are wanted. Raise it to have all variants made anew, as after an \
                  upgrade with better pixels: those that are asked for are served as they are and made anew behind. \
                  An upgrade alone keeps them.",
        },
    ],
};

pub(super) const LIMITS: Group = Group {
    title: "Limits of pictures",
    settings: &[
        Setting {
            key: "source.pixels_max",
            kind: PIXELS,
            default: "50000000",
            reload: Reload::Sighup,
            doc: "Pixels of an original; the frames of an animation count together unless `frame_pixels_max` is set.",
        },
        Setting {
            key: "source.side_max",
            kind: Kind::Int { min: 1, max: 10_000_000 },
            default: "65535",
            reload: Reload::Sighup,
            doc: "Longest side of an original, in pixels.",
        },
        Setting {
            key: "frames_max",
            kind: Kind::Int { min: 1, max: 100_000 },
            default: "200",
            reload: Reload::Sighup,
            doc: "Frames of an animation that are read; later ones are dropped. 1 makes every animation a still.",
        },
        Setting {
            key: "frame_pixels_max",
            kind: Kind::Int { min: 0, max: 10_000_000_000 },
            default: "0",
            reload: Reload::Sighup,
            doc: "Pixels of one frame of an animation; when set, it takes the place of `source.pixels_max` for \
                  animations. 0 sets none.",
        },
        Setting {
            key: "output.side_max",
            kind: Kind::Int { min: 1, max: 10_000_000 },
            default: "16384",
            reload: Reload::Sighup,
            doc: "Longest side of a variant, in pixels.",
        },
        Setting {
            key: "output.pixels_max",
            kind: PIXELS,
            default: "50000000",
            reload: Reload::Sighup,
            doc: "Pixels of a variant, all frames together.",
        },
    ],
};

pub(super) const WORK: Group = Group {
    title: "Work",
    settings: &[
        Setting {
            key: "workers",
            kind: Kind::Int { min: 0, max: 1024 },
            default: "0",
            reload: Reload::Start,
            doc: "Transformations that are worked on at a time; 0 is one for each processor that the process may use \
                  by its control group or machine.",
        },
        Setting {
            key: "engine.isolation",
            kind: Kind::Choice(&["auto", "process", "thread"]),
            default: "auto",
            reload: Reload::Start,
            doc: "Where pictures are made: in sandboxed worker processes, each with one picture at a time, so that one \
                  that crashes, hangs or is attacked costs its own request; or on threads of the server. `auto` is \
                  `process` on Linux and `thread` elsewhere.",
        },
        Setting {
            key: "engine.sandbox",
            kind: Kind::Choice(&["require", "prefer", "off"]),
            default: "prefer",
            reload: Reload::Start,
            doc: "What confines worker processes: all layers or no start, as many as the kernel has, or none. \
                  `tintype doctor` and `/status` say which are on.",
        },
        Setting {
            key: "worker.memory_bytes",
            kind: Kind::Bytes { min: 0, max: 1 << 46 },
            default: "4GiB",
            reload: Reload::Start,
            doc: "Address space of a worker process, libraries included; one that needs more ends, and its request \
                  gets a 422. 0 sets no limit.",
        },
        Setting {
            key: "worker.resident_bytes_max",
            kind: Kind::Share { min: 0, max: 1 << 46, parts: 8, most: 512 << 20 },
            default: "auto",
            reload: Reload::Start,
            doc: "A worker process that holds more memory than this after a picture is replaced. 0 keeps it.",
        },
        Setting {
            key: "worker.jobs_max",
            kind: Kind::Int { min: 0, max: 1_000_000_000 },
            default: "1000",
            reload: Reload::Start,
            doc: "A worker process is replaced after so many pictures. 0 keeps it.",
        },
        Setting {
            key: "queue.jobs_max",
            kind: Kind::Int { min: 1, max: 100_000 },
            default: "64",
            reload: Reload::Start,
            doc: "Transformations that may wait for a worker; further ones are refused with 503.",
        },
        Setting {
            key: "queue.timeout",
            kind: TIMEOUT,
            default: "5s",
            reload: Reload::Start,
            doc: "How long a transformation may wait for a worker before it is refused with 503.",
        },
        Setting {
            key: "transform_timeout",
            kind: TIMEOUT,
            default: "10s",
            reload: Reload::Sighup,
            doc: "Time for one transformation, from decoding to encoding, once a worker has it.",
        },
    ],
};
