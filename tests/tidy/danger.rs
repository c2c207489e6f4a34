//! T5, T6: `unsafe` stays in the engine and says why it holds; the raw bindings stay in the safe layer over them.

use super::tree::{Finding, Source, Tree};

const UNSAFE_ROOM: &str = "src/engine/";
const BINDINGS_ROOM: &str = "src/engine/vips/";
/// How far above its `unsafe` a reason may begin, in lines: attributes and a long reason stand between.
const REASON_LINES_MAX: usize = 12;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().flat_map(|source| [check_unsafe(source), check_bindings(source)].concat()).collect()
}

fn check_unsafe(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for at in source.occurrences("unsafe") {
        let line = source.line_of(at);
        let after = source.code[at + "unsafe".len()..].trim_start();
        // A lint about unsafe code, and a pointer type, are words about it only.
        let is_word_only = after.starts_with(')') || (after.starts_with("extern") && is_type_at(source, at));
        if is_word_only || (after.starts_with("fn(") || after.starts_with("fn (")) {
            continue;
        }
        if !source.path.starts_with(UNSAFE_ROOM) {
            findings.push(Finding::new(&source.path, line, "T5", "`unsafe` outside the engine"));
        } else if after.starts_with("fn") || after.starts_with("trait") {
            if !reason_above(source, line, "# Safety") {
                let text = "document what the caller owes under `# Safety`";
                findings.push(Finding::new(&source.path, line, "T5", text));
            }
        } else if !after.starts_with("extern") && !reason_above(source, line, "// SAFETY:") {
            findings.push(Finding::new(&source.path, line, "T5", "say why this holds in a `// SAFETY:` line above"));
        }
    }
    findings
}

/// Whether `unsafe extern` at this place is a function pointer or a callback, not a block of declarations.
fn is_type_at(source: &Source, at: usize) -> bool {
    let rest = &source.code[at..];
    let upto = rest.find(['{', ';', ')', ',', '>']).unwrap_or(rest.len());
    rest[..upto].contains("fn(")
}

/// Whether `wanted` stands, with words behind it, on this line or in the comments and attributes right above.
fn reason_above(source: &Source, line: usize, wanted: &str) -> bool {
    let lines: Vec<&str> = source.text.lines().collect();
    let has = |text: &str| {
        text.split_once(wanted).is_some_and(|(_, reason)| wanted.starts_with('#') || reason.trim().len() > 3)
    };
    if has(lines[line - 1]) {
        return true;
    }
    for above in lines[..line - 1].iter().rev().take(REASON_LINES_MAX) {
        let text = above.trim();
        if has(text) {
            return true;
        }
        // A statement may be broken into lines before the word; a finished one, or an empty line, ends the search.
        let is_finished = text.ends_with(';') || text.ends_with('}') || text.is_empty();
        if is_finished && !text.starts_with("//") && !text.starts_with('#') {
            return false;
        }
    }
    false
}

fn check_bindings(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for at in source.occurrences("libvips_rs") {
        let line = source.line_of(at);
        let rest = &source.code[at + "libvips_rs".len()..];
        if !source.path.starts_with(BINDINGS_ROOM) {
            findings.push(Finding::new(&source.path, line, "T6", "`libvips_rs` outside src/engine/vips"));
        } else if !rest.starts_with("::bindings") {
            findings.push(Finding::new(
                &source.path,
                line,
                "T6",
                "only `libvips_rs::bindings`: its safe layer is unsound",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let source = Source::new(path, text);
        [check_unsafe(&source), check_bindings(&source)].concat().into_iter().map(|finding| finding.text).collect()
    }

    #[test]
    fn reasoned_unsafe_in_the_engine_passes() {
        let good = [
            "// SAFETY: the pointer is ours until drop.\nunsafe { f() }",
            "let a = unsafe { f() }; // SAFETY: checked above.",
            "// SAFETY: the handle is never shared.\n#[expect(x)]\nunsafe impl Send for A {}",
            "/// # Safety\n///\n/// `p` is valid.\npub unsafe fn f(p: *const u8) {}",
            "// SAFETY: two lines\n// of reasons.\nlet a =\n    unsafe { f() };",
            "type F = unsafe extern \"C\" fn(*mut u8);",
            "unsafe extern \"C\" { fn g(); }",
            "#![expect(unsafe_code, reason = \"here\")]",
        ];
        for text in good {
            assert_eq!(findings("src/engine/vips/a.rs", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn unsafe_elsewhere_or_without_reason_is_found() {
        assert_eq!(
            findings("src/cache/a.rs", "// SAFETY: none at all.\nunsafe { f() }"),
            ["`unsafe` outside the engine"]
        );
        for text in ["unsafe { f() }", "// SAFETY:\nunsafe { f() }", "// SAFETY: old one.\nlet a = 1;\nunsafe { f() }"]
        {
            assert_eq!(findings("src/engine/a.rs", text).len(), 1, "{text}");
        }
        assert_eq!(findings("src/engine/a.rs", "/// Does.\nunsafe fn f() {}").len(), 1);
    }

    #[test]
    fn bindings_stay_in_their_room() {
        assert!(findings("src/engine/vips/a.rs", "use libvips_rs::bindings::vips_init;").is_empty());
        assert_eq!(findings("src/engine/vips/a.rs", "use libvips_rs::VipsImage;").len(), 1);
        assert_eq!(findings("src/engine/pool.rs", "use libvips_rs::bindings;").len(), 1);
        assert!(findings("src/engine/pool.rs", "// libvips_rs").is_empty());
    }
}
