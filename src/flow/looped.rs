//! Requests that come back: recognised by what they carry, refused, counted.

use http::HeaderMap;

use super::{Failure, Flow};
use crate::config::Config;
use crate::semantics::loops::{Identity, Loop, Passed};
use crate::telemetry::metrics::Counter;

/// Bytes of randomness in the name of a process.
const NAME_BYTES: usize = size_of::<u64>();

// === impl Flow ===

impl Flow {
    /// The refusal of a request that this server, or too many of its kind, has sent on already.
    pub fn looped(&self, headers: &HeaderMap) -> Option<Failure> {
        let found = self.identity.judge(&Passed::of(headers))?;
        let why = match found {
            Loop::Own => "own",
            Loop::Hops { .. } => "hops",
        };
        Counter::Loops.add(1, &[("why", why)]);
        Some(Failure::looped(found))
    }
}

// === impl Failure ===

impl Failure {
    /// RFC 5842, section 7.2.
    fn looped(found: Loop) -> Self {
        let (detail, limit) = match found {
            Loop::Own => ("it came through this server before: one of its sources or mounts leads back here", None),
            Loop::Hops { max } => {
                let limit = ("loop.hops_max", format!("{max} servers"));
                ("it came through too many servers of this kind", Some(limit))
            }
        };
        Self { limit, ..Self::new(508, "loop", "the request runs in a circle", detail) }
    }
}

/// The name of the deployment, or one of this process that no other has.
pub(super) fn identity(config: &Config) -> Identity {
    let name = config.fetch.loop_name.clone().unwrap_or_else(|| {
        let mut random = [0u8; NAME_BYTES];
        getrandom::fill(&mut random).expect("invariant: the kernel's random source never fails once the system is up");
        format!("{:016x}", u64::from_be_bytes(random))
    });
    Identity::new(&name, config.fetch.loop_hops_max)
}
