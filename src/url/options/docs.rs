//! The table of options as pages: Markdown for the documentation, text for a terminal, JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{ARGS_ANY, OptionGroup, OptionSpec, table};

/// Columns of a line of Markdown, at most, unless a single word is longer.
const LINE_COLUMNS_MAX: usize = 120;

/// A page of documentation: every option by group, with form, default and examples.
pub fn options_markdown() -> String {
    let mut page = String::from("# Options\n\n");
    page.push_str(&wrapped(
        "An option is a segment of the path: its name or one of its aliases, then its arguments, divided by `:`. \
         Options are set from left to right; a later one wins, and what it does not mention keeps its value. `%` \
         marks what stands for a value. This page is made from the table that the parser uses.",
    ));
    for group in OptionGroup::ALL {
        let _ = write!(page, "\n## {}\n", group.title());
        for row in rows_of(group) {
            markdown_row(&mut page, row);
        }
    }
    page
}

fn markdown_row(page: &mut String, row: &OptionSpec) {
    let text = wrapped(&format!("{} {}", row.summary, row.detail));
    let _ = write!(page, "\n### {}\n\n{text}\n", row.name);
    let _ = writeln!(page, "- Form: `{}`", row.form);
    if !row.aliases.is_empty() {
        let _ = writeln!(page, "- Aliases: {}", quoted(row.aliases));
    }
    if !row.default.is_empty() {
        let _ = writeln!(page, "- Default: {}", row.default);
    }
    let _ = writeln!(page, "- Examples: {}", quoted(row.examples));
}

/// A list for a terminal: one line an option.
pub fn options_text() -> String {
    let names = |row: &OptionSpec| [&[row.name], row.aliases].concat().join(", ");
    let columns = table().iter().map(|row| names(row).len()).max().unwrap_or(0) + 2;
    let mut page = String::new();
    for group in OptionGroup::ALL {
        let gap = if page.is_empty() { "" } else { "\n" };
        let _ = writeln!(page, "{gap}{}", group.title());
        for row in rows_of(group) {
            let _ = writeln!(page, "  {:columns$}{}", names(row), row.summary);
        }
    }
    page
}

/// The table for programs: a list of objects in the order of the documentation. `args_max` is null for lists.
pub fn options_json() -> Value {
    let rows = table().iter().map(|row| {
        json!({
            "name": row.name,
            "aliases": row.aliases,
            "form": row.form,
            "group": row.group.title(),
            "summary": row.summary,
            "detail": row.detail,
            "default": row.default,
            "examples": row.examples,
            "args_max": (row.args_max != ARGS_ANY).then_some(row.args_max),
        })
    });
    Value::Array(rows.collect())
}

fn rows_of(group: OptionGroup) -> impl Iterator<Item = &'static OptionSpec> {
    table().iter().filter(move |row| row.group == group)
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The text in lines of at most [`LINE_COLUMNS_MAX`], each ended.
fn wrapped(text: &str) -> String {
    let (mut made, mut columns) = (String::new(), 0);
    for word in text.split(' ') {
        let len = word.chars().count();
        if columns > 0 {
            let fits = columns + 1 + len <= LINE_COLUMNS_MAX;
            made.push(if fits { ' ' } else { '\n' });
            columns = if fits { columns + 1 } else { 0 };
        }
        made.push_str(word);
        columns += len;
    }
    made.push('\n');
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_on_every_page() {
        let (markdown, text, json) = (options_markdown(), options_text(), options_json());
        assert_eq!(json.as_array().unwrap().len(), table().len());
        for row in table() {
            assert!(markdown.contains(&format!("\n### {}\n", row.name)), "{}", row.name);
            assert!(markdown.contains(row.form), "{}", row.name);
            let listed = text.lines().any(|line| {
                let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
                words.next() == Some(row.name) && line.ends_with(row.summary)
            });
            assert!(listed, "{}", row.name);
        }
        for line in markdown.lines().chain(text.lines()) {
            assert!(line.chars().count() <= LINE_COLUMNS_MAX && !line.ends_with(' '), "{line}");
        }
    }

    #[test]
    fn json_says_how_many_arguments() {
        let json = options_json();
        let args_max = |name: &str| {
            json.as_array().unwrap().iter().find(|row| row["name"] == name).map(|row| row["args_max"].clone())
        };
        assert_eq!(args_max("resize"), Some(json!(8)));
        assert_eq!(args_max("preset"), Some(Value::Null));
    }
}
