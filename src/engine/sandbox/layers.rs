//! Which layers of the sandbox are on, and why others are not: plain data that a worker tells the server.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Demand;

/// The layers of the sandbox around workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// Nothing that is executed may gain privileges.
    pub no_new_privs: Layer,
    /// Every capability is dropped: root is a user like others.
    pub capabilities: Layer,
    /// No core files, few descriptors, no memory of others, bounded memory.
    pub limits: Layer,
    /// Reading only what is listed, writing nowhere.
    pub landlock: Layer,
    /// The version of the kernel's landlock interface, where it is on. From 4 on it refuses TCP, from 6 on signals and
    /// abstract sockets; seccomp refuses them in any case.
    pub landlock_abi: Option<u32>,
    /// Only the system calls of codecs.
    pub seccomp: Layer,
}

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    On,
    Off(Why),
}

/// Why a layer is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The settings do not want it.
    Unwanted,
    /// This operating system or processor has no such layer, or tintype does not know it.
    System,
    /// This kernel was built or started without it.
    Kernel,
    /// The kernel has it and refused, with this error number.
    Refused(i32),
}

/// Why a process was not confined. The texts are safe for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SandboxError {
    /// A layer is missing, and all are required.
    #[error("the sandbox of workers is required and has no {layer}: {why}")]
    Missing { layer: &'static str, why: Why },
    /// Threads that exist would stay outside.
    #[error("a process with {threads} threads cannot be confined")]
    Threads { threads: usize },
}

// === impl Layers ===

impl Layers {
    /// Whether every layer is on.
    pub fn is_complete(&self) -> bool {
        self.missing().is_none()
    }

    /// A short text for each layer, for people: `seccomp`, `landlock 7`, `no landlock: not in this kernel`.
    pub fn words(&self) -> Vec<String> {
        let word = |(name, layer): (&str, Layer)| match (layer, self.landlock_abi) {
            (Layer::On, Some(abi)) if name == LANDLOCK => format!("{name} {abi}"),
            (Layer::On, _) => name.to_owned(),
            (Layer::Off(why), _) => format!("no {name}: {why}"),
        };
        self.named().map(word).to_vec()
    }

    /// Every layer off for one reason.
    pub(super) const fn off(why: Why) -> Self {
        let off = Layer::Off(why);
        Self { no_new_privs: off, capabilities: off, limits: off, landlock: off, landlock_abi: None, seccomp: off }
    }

    /// Itself, unless something is missing that is demanded.
    pub(super) fn judged(self, demand: Demand) -> Result<Self, SandboxError> {
        match self.missing() {
            Some((layer, why)) if demand == Demand::Require => Err(SandboxError::Missing { layer, why }),
            _ => Ok(self),
        }
    }

    fn missing(&self) -> Option<(&'static str, Why)> {
        self.named().into_iter().find_map(|(name, layer)| match layer {
            Layer::On => None,
            Layer::Off(why) => Some((name, why)),
        })
    }

    const fn named(&self) -> [(&'static str, Layer); 5] {
        [
            ("no_new_privs", self.no_new_privs),
            ("dropped capabilities", self.capabilities),
            ("limits", self.limits),
            (LANDLOCK, self.landlock),
            ("seccomp", self.seccomp),
        ]
    }
}

const LANDLOCK: &str = "landlock";

// === impl Layer ===

impl From<Result<(), Why>> for Layer {
    fn from(entered: Result<(), Why>) -> Self {
        match entered {
            Ok(()) => Self::On,
            Err(why) => Self::Off(why),
        }
    }
}

// === impl Why ===

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwanted => f.write_str("switched off"),
            Self::System => f.write_str("not on this system"),
            Self::Kernel => f.write_str("not in this kernel"),
            Self::Refused(errno) => write!(f, "refused by the kernel, error {errno}"),
        }
    }
}

#[cfg(target_os = "linux")]
impl From<rustix::io::Errno> for Why {
    fn from(errno: rustix::io::Errno) -> Self {
        Self::Refused(errno.raw_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Layers = Layers {
        no_new_privs: Layer::On,
        capabilities: Layer::On,
        limits: Layer::On,
        landlock: Layer::On,
        landlock_abi: Some(7),
        seccomp: Layer::On,
    };

    #[test]
    fn words_say_what_is_on_and_why_the_rest_is_not() {
        assert_eq!(ON.words(), ["no_new_privs", "dropped capabilities", "limits", "landlock 7", "seccomp"]);
        assert!(ON.is_complete());
        let old = Layers { landlock: Layer::Off(Why::Kernel), landlock_abi: None, ..ON };
        assert_eq!(old.words()[3], "no landlock: not in this kernel");
        assert!(!old.is_complete());
        let refused = Layers { seccomp: Layer::Off(Why::Refused(22)), ..ON };
        assert_eq!(refused.words()[4], "no seccomp: refused by the kernel, error 22");
    }

    #[test]
    fn only_what_is_required_must_be_there() {
        let old = Layers { landlock: Layer::Off(Why::Kernel), landlock_abi: None, ..ON };
        assert_eq!(old.clone().judged(Demand::Prefer), Ok(old.clone()));
        let missing = SandboxError::Missing { layer: "landlock", why: Why::Kernel };
        assert_eq!(old.judged(Demand::Require), Err(missing));
        assert_eq!(missing.to_string(), "the sandbox of workers is required and has no landlock: not in this kernel");
        assert_eq!(ON.judged(Demand::Require), Ok(ON));
    }

    #[test]
    fn layers_travel_as_text() {
        for layers in [ON, Layers::off(Why::Refused(1)), Layers::off(Why::System)] {
            let text = serde_json::to_string(&layers).unwrap();
            assert_eq!(serde_json::from_str::<Layers>(&text).unwrap(), layers, "{text}");
        }
    }
}
