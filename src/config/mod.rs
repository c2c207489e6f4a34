//! One table of settings gives the TOML keys, the environment names, the flags, the defaults and the documentation.
//!
//! [`load`] reads a file, the environment and the command line into a [`Config`], in which each value knows where it
//! was given, or returns everything that is wrong with them at once. Unknown names are mistakes. Plain data comes out:
//! this room knows no HTTP and no libvips, and holds no state. Sizes that are not given follow from the machine.

mod advice;
mod cidr;
mod conflicts;
mod docs;
mod file;
mod from_values;
mod groups;
mod kind;
mod layers;
mod load;
mod mistake;
mod mounts;
mod nearest;
mod secret;
mod table;
mod units;
mod value;
mod values;

pub use cidr::Cidr;
pub use docs::{example_toml, settings_markdown};
pub use from_values::Effective;
pub use groups::{
    Admin, Az, Cache, Config, Engine, Fetch, Formats, Freshness, Gs, Isolation, KeyPair, Limits, Logging, Mounts,
    Pixels, Presets, S3, Sandbox, Server, Shared, SharedBucket, SharedStore, SignatureAlgorithm, Signing, Sources,
    Stores, UrlQuery, Urls,
};
pub use kind::{Form, Kind};
pub use load::{FILE_VARIABLE, environment, load};
pub use mistake::{Mistake, Position, Problem, Provenance};
pub use mounts::{Mount, MountFault};
pub use nearest::nearest;
pub use secret::Secret;
pub use table::{ENVIRONMENT_PREFIX, GROUPS, Group, Reload, Setting, setting, settings};
pub use units::parse_duration;

#[cfg(test)]
mod tests;
