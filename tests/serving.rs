//! The running program from outside, over sockets: what a CDN, a browser and an operator meet.

mod serving {
    mod addresses;
    mod again;
    mod away;
    mod bombs;
    mod chaos;
    mod clients;
    mod damage;
    mod disk;
    mod drain;
    mod failing;
    mod faults;
    mod forged;
    mod freshness;
    mod herd;
    mod kept;
    mod kills;
    mod limits;
    mod loops;
    mod mutants;
    mod negotiation;
    mod nodes;
    mod overload;
    mod presets;
    mod presigned;
    mod purge;
    mod purged;
    mod refusals;
    mod reload;
    mod secrets;
    mod settings;
    mod shim;
    mod signatures;
    mod soak;
    mod stale;
    mod store;
    mod storm;
    mod tagging;
    mod truncation;
    mod validators;
    mod workers;
}
#[expect(dead_code, reason = "the other black-box tests use the rest of it")]
mod support;
