//! Documentation that the table writes: the page of settings and the example file.

use super::load::FILE_VARIABLE;
use super::table::{GROUPS, Reload, Setting};
use super::value::Value;
use super::values::default;

/// The page of all settings, in Markdown.
pub fn settings_markdown() -> String {
    let mut page = vec![format!(
        "# Settings\n\n\
         Every setting has a key in a TOML file, a name in the environment and a flag: `cache.memory_bytes` is\n\
         `TINTYPE_CACHE_MEMORY_BYTES` and `--cache-memory-bytes`. A flag beats the environment, the environment\n\
         beats the file, the file beats the default. The file is named by `--config` or `{FILE_VARIABLE}`; one that\n\
         is named and does not exist is an error, and so is every name that is not listed here. In the environment\n\
         an empty value is an empty value, not an absent one. Variables that Kubernetes sets for a service called\n\
         `tintype` (`TINTYPE_SERVICE_HOST` and its kind) are passed over.\n\n\
         Sizes: `64KiB`, `10MB`, plain bytes. Durations: `250ms`, `10s`, `5m`, `1h`, `30d`. Lists are arrays in the\n\
         file. Secrets have no flag; instead, the name in the environment with `_FILE` at its end takes the path of\n\
         a file with the value. Settings marked SIGHUP take effect when the process gets that signal, all others\n\
         at start."
    )];
    for group in GROUPS {
        page.push(format!("\n## {}\n", group.title));
        page.push("| Key | Environment | Accepted | Default | Takes effect | |\n|---|---|---|---|---|---|".to_owned());
        page.extend(group.settings.iter().map(row));
    }
    page.join("\n") + "\n"
}

/// A file with every setting commented out at its default. Keys are written with their dots, so that each line can be
/// used by itself, wherever it stands.
pub fn example_toml() -> String {
    let mut file = vec![String::from(
        "# Settings of tintype, each at its default. A line that begins with `#` and a key is put to use by\n\
         # removing the `#`. A key with dots may stand in a table as well: `cache.memory_bytes` is `memory_bytes`\n\
         # under `[cache]`.",
    )];
    for group in GROUPS {
        file.push(format!("\n# --- {} ---", group.title));
        for setting in group.settings {
            file.push(String::new());
            let accepted = format!("Accepted: {}.", setting.kind.accepted());
            file.extend(wrapped(setting.doc).chain(wrapped(&accepted)).map(|line| format!("# {line}")));
            file.push(format!("#{} = {}", setting.key, toml_default(setting)));
        }
    }
    file.join("\n") + "\n"
}

/// A line of the table.
fn row(setting: &Setting) -> String {
    let takes_effect = match setting.reload {
        Reload::Start => "start",
        Reload::Sighup => "SIGHUP",
    };
    let (accepted, default) = (setting.kind.accepted(), code(setting.default));
    let (key, name, doc) = (setting.key, setting.environment(), setting.doc);
    format!("| `{key}` | `{name}` | {accepted} | {default} | {takes_effect} | {doc} |")
}

fn code(text: &str) -> String {
    if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") }
}

/// The default as a TOML value.
fn toml_default(setting: &Setting) -> String {
    let value = default(setting);
    match value {
        Value::Bool(_) | Value::Int(_) => value.shown(),
        Value::Qualities(pairs) => {
            let pairs: Vec<_> = pairs.iter().map(|(format, quality)| format!("{format} = {quality}")).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        Value::Ports(_) => format!("[{}]", value.items().join(", ")),
        _ if setting.kind.is_list() => {
            let items: Vec<_> = value.items().iter().map(|item| quoted(item)).collect();
            format!("[{}]", items.join(", "))
        }
        _ => quoted(&value.shown()),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The text in lines that fit a comment.
fn wrapped(text: &str) -> impl Iterator<Item = String> {
    const LINE_CHARACTERS_MAX: usize = 110;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| line.len() + word.len() < LINE_CHARACTERS_MAX);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines.into_iter()
}
