//! Settings from the environment and from the command line.

use std::path::Path;

use super::file::read_text;
use super::kind::Raw;
use super::load::{FILE_VARIABLE, Given, Layer};
use super::mistake::{Mistake, Problem, Provenance};
use super::nearest::nearest;
use super::table::{Setting, settings};

/// Keys and tokens are short; a larger file is not one of them.
const SECRET_FILE_BYTES_MAX: u64 = 64 << 10;

/// What the variables say whose names begin with our prefix.
pub(super) fn read_environment(variables: &[(String, String)]) -> Layer {
    let mut layer = Layer::default();
    for (name, value) in variables {
        let place = Provenance::Environment(name.clone());
        if name == FILE_VARIABLE || is_service_link(name, value) {
            continue;
        }
        let problem = if let Some(setting) = settings().find(|setting| setting.environment() == *name) {
            layer.given.push(Given { setting, raw: Raw::Text(value.clone()), provenance: place });
            continue;
        } else if let Some(setting) = settings().find(|setting| setting.environment_file().as_ref() == Some(name)) {
            match secret_file(setting, value, variables) {
                Ok(raw) => {
                    layer.given.push(Given { setting, raw, provenance: place });
                    continue;
                }
                Err(problem) => problem,
            }
        } else {
            let known = settings().flat_map(|setting| [Some(setting.environment()), setting.environment_file()]);
            Problem::Unknown { name: name.clone(), nearest: nearest(name, known.flatten()) }
        };
        layer.mistakes.push(Mistake { place, problem });
    }
    layer
}

/// What the command line says.
pub(super) fn read_flags(flags: &[(String, String)]) -> Layer {
    let mut layer = Layer::default();
    for (name, value) in flags {
        let name = name.trim_start_matches('-');
        let place = Provenance::Flag(name.to_owned());
        if let Some(setting) = settings().find(|setting| setting.flag().as_deref() == Some(name)) {
            layer.given.push(Given { setting, raw: Raw::Text(value.clone()), provenance: place });
            continue;
        }
        let secret = settings().find(|setting| setting.key.replace(['.', '_'], "-") == name);
        let problem = if let Some(setting) = secret {
            Problem::SecretFlag { key: setting.key, instead: setting.environment() }
        } else {
            let nearest = nearest(name, settings().filter_map(Setting::flag)).map(|name| format!("--{name}"));
            Problem::Unknown { name: format!("--{name}"), nearest }
        };
        layer.mistakes.push(Mistake { place, problem });
    }
    layer
}

/// The value of a secret from the file that a variable names, without the line end that editors add.
fn secret_file(setting: &Setting, path: &str, variables: &[(String, String)]) -> Result<Raw, Problem> {
    let direct = setting.environment();
    if variables.iter().any(|(name, _)| *name == direct) {
        return Err(Problem::Twice { key: setting.key, other: direct });
    }
    let text = read_text(Path::new(path), SECRET_FILE_BYTES_MAX)?;
    Ok(Raw::Text(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Whether Kubernetes (or an old Docker) put this variable here for a service called `tintype` or `tintype-…`, as in
/// `TINTYPE_SERVICE_HOST` and `TINTYPE_PORT_8080_TCP_ADDR`. Nobody wrote it, so it is no mistake of anybody.
fn is_service_link(name: &str, value: &str) -> bool {
    let is_port_of_service = name.split("_PORT_").skip(1).any(|rest| {
        let mut words = rest.split('_');
        let is_number = words.next().is_some_and(|port| port.parse::<u16>().is_ok());
        is_number && matches!(words.next(), Some("TCP" | "UDP" | "SCTP"))
    });
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && value.contains("://"))
        || is_port_of_service
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_service_links_are_nobodys_mistake() {
        let links = [
            ("TINTYPE_SERVICE_HOST", "10.0.0.1"),
            ("TINTYPE_SERVICE_PORT", "80"),
            ("TINTYPE_ADMIN_SERVICE_PORT_METRICS", "81"),
            ("TINTYPE_PORT", "tcp://10.0.0.1:80"),
            ("TINTYPE_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("TINTYPE_PORT_80_TCP_PROTO", "tcp"),
        ];
        for (name, value) in links {
            assert!(is_service_link(name, value), "{name}");
        }
        for name in ["TINTYPE_PORT", "TINTYPE_PORT_MAX", "TINTYPE_PORT_80_MAX", "TINTYPE_ALLOWED_PORTS"] {
            assert!(!is_service_link(name, "8080"), "{name}");
        }
        assert!(settings().all(|setting| !is_service_link(&setting.environment(), "http://h")));
    }
}
