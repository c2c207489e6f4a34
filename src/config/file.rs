//! Settings from a TOML file, each with its place in it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use toml::de::{DeInteger, DeTable, DeValue};

use super::kind::{Kind, Raw, Refused};
use super::load::{Given, Layer};
use super::mistake::{Mistake, Position, Problem, Provenance};
use super::nearest::nearest;
use super::table::{setting, settings};

/// A file of settings is written by people; one over this size is not what was meant.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything that the file gives, and everything wrong with it, in the order of the file.
pub(super) fn read(path: &Path) -> Layer {
    match read_text(path, FILE_BYTES_MAX) {
        Ok(text) => parse(path, &text),
        Err(problem) => {
            let place = Provenance::File { path: path.to_owned(), position: None };
            Layer { given: Vec::new(), mistakes: vec![Mistake { place, problem }] }
        }
    }
}

/// The text of a file of at most `bytes_max` bytes.
pub(super) fn read_text(path: &Path, bytes_max: u64) -> Result<String, Problem> {
    let read = || -> io::Result<String> {
        let mut text = String::new();
        File::open(path)?.take(bytes_max + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read().map_err(Problem::Unreadable)?;
    if text.len() as u64 > bytes_max { Err(Problem::TooLarge { bytes_max }) } else { Ok(text) }
}

fn parse(path: &Path, text: &str) -> Layer {
    let mut reader = Reader { path, text, layer: Layer::default() };
    let (table, errors) = DeTable::parse_recoverable(text);
    reader.table("", table.get_ref());
    reader.syntax(&errors);
    reader.layer
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    layer: Layer,
}

// === impl Reader ===

impl Reader<'_> {
    fn place(&self, offset: usize) -> Provenance {
        Provenance::File { path: self.path.to_owned(), position: Some(Position::of(self.text, offset)) }
    }

    /// One table, with `prefix` before its keys. Its depth is bounded by the parser.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let place = self.place(value.span().start);
            match (setting(&key), value.get_ref()) {
                (Some(setting), value) => match raw(value, setting.kind) {
                    Ok(raw) => self.layer.given.push(Given { setting, raw, provenance: place }),
                    Err(refused) => self.layer.mistakes.push(Mistake::refused(setting, refused, place)),
                },
                (None, DeValue::Table(inner)) if !inner.is_empty() => self.table(&format!("{key}."), inner),
                (None, _) => {
                    let place = self.place(name.span().start);
                    self.layer.mistakes.push(Mistake { place, problem: unknown(key) });
                }
            }
        }
    }

    /// Mistakes of the grammar. What follows one on its line is guesswork, so of a line only the first is told, and
    /// nothing else of that line is believed.
    fn syntax(&mut self, errors: &[toml::de::Error]) {
        let line = |place: &Provenance| place.position().map(|position| position.line);
        let mut broken = BTreeSet::new();
        for error in errors {
            let place = self.place(error.span().map_or(0, |span| span.start));
            if broken.insert(line(&place)) {
                self.layer.given.retain(|given| line(&given.provenance) != line(&place));
                self.layer.mistakes.retain(|told| line(&told.place) != line(&place));
                // The error's own text would quote the line, and a line may hold a secret.
                let problem = Problem::Syntax { message: error.message().to_owned() };
                self.layer.mistakes.push(Mistake { place, problem });
            }
        }
    }
}

/// The mistake of a key that no setting has.
fn unknown(key: String) -> Problem {
    let table = format!("{key}.");
    let inside = settings().find(|setting| setting.key.starts_with(&table)).map(|setting| setting.key.to_owned());
    let nearest = inside.or_else(|| nearest(&key, settings().map(|setting| setting.key.to_owned())));
    Problem::Unknown { name: key, nearest }
}

/// A TOML value in the form in which all values are checked.
fn raw(value: &DeValue<'_>, kind: Kind) -> Result<Raw, Refused> {
    match value {
        DeValue::Array(items) => {
            items.iter().map(|item| scalar(item.get_ref())).collect::<Result<_, _>>().map(Raw::List)
        }
        DeValue::Table(pairs) if matches!(kind, Kind::Qualities(_)) => {
            let pair = |(name, value): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<DeValue<'_>>)| {
                Ok(format!("{}={}", name.get_ref(), scalar(value.get_ref())?))
            };
            pairs.iter().map(pair).collect::<Result<_, _>>().map(Raw::List)
        }
        single => scalar(single).map(Raw::Text),
    }
}

fn scalar(value: &DeValue<'_>) -> Result<String, Refused> {
    match value {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(decimal(number)),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Ok(truth.to_string()),
        DeValue::Datetime(date) => Ok(date.to_string()),
        DeValue::Array(_) => Err(Refused { got: "a list".to_owned() }),
        DeValue::Table(_) => Err(Refused { got: "a table".to_owned() }),
    }
}

/// A number as decimal digits; one beyond 128 bits stays as it is written and fails the check of its range.
fn decimal(number: &DeInteger<'_>) -> String {
    i128::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| number.as_str().to_owned(), |number| number.to_string())
}
