//! A pass-through mount of the running program: what goes through it unchanged, and what its cache may do.

mod mount {
    mod changing;
    mod conformance;
    mod disk;
    mod keeping;
    mod news;
    mod parts;
    mod passing;
    mod places;
    mod purge;
    mod setup;
    mod stale;
    mod validating;
}
#[expect(dead_code, reason = "the other black-box tests use the rest of it")]
mod support;
