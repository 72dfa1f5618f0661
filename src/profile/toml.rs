//! A TOML document, read so that every mistake is found and known by its place.
//!
//! `serde` would stop at the first mistake. Here a table is looked at key by key: what is wrong goes to [`Mistakes`],
//! and reading goes on.

use std::ops::Range;

use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};

use super::Mistakes;
use super::notation::Malformed;

/// Parses the text; where its syntax is broken, nothing further is said of it.
pub(super) fn parse<'d>(text: &'d str, mistakes: &mut Mistakes) -> Option<Spanned<DeTable<'d>>> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut last_line = None;
    for error in &errors {
        let span = error.span().unwrap_or(text.len()..text.len());
        // After the first mistake of a line the parser only finds what follows from it.
        let line = text.bytes().take(span.start).filter(|byte| *byte == b'\n').count();
        if last_line.replace(line) == Some(line) {
            continue;
        }
        let (what, expected) = error.message().split_once(", expected ").unwrap_or((error.message(), "nothing"));
        let label = if expected == "nothing" { String::new() } else { format!("expected {expected}") };
        let help = what.starts_with("invalid ").then(|| "addresses, names and ports stand in quotes".to_owned());
        mistakes.add(span, format!("not TOML: {what}"), label, help);
    }
    errors.is_empty().then_some(document)
}

/// The keys at the top of a text, as far as it can be parsed.
pub(super) fn top_keys(text: &str) -> Vec<String> {
    DeTable::parse_recoverable(text).0.get_ref().keys().map(|key| key.get_ref().to_string()).collect()
}

/// A table.
pub(super) struct Section<'d> {
    /// What it is, for messages: `a service`.
    what: &'static str,
    /// Where a missing key is shown.
    pub(super) span: Range<usize>,
    /// In the order of the file.
    pub(super) entries: Vec<Entry<'d>>,
}

/// A key and its value.
pub(super) struct Entry<'d> {
    pub(super) key: Text<'d>,
    pub(super) value: Value<'d>,
}

/// A value and its place.
#[derive(Clone)]
pub(super) struct Value<'d> {
    value: &'d DeValue<'d>,
    span: Range<usize>,
}

/// A text and its place.
#[derive(Clone)]
pub(super) struct Text<'d> {
    pub(super) text: &'d str,
    pub(super) span: Range<usize>,
}

impl<'d> Section<'d> {
    /// A table that may have any key.
    pub(super) fn open(what: &'static str, table: &'d DeTable<'d>, span: Range<usize>) -> Self {
        let mut entries: Vec<Entry<'d>> = table
            .iter()
            .map(|(key, value)| Entry {
                key: Text { text: key.get_ref(), span: key.span() },
                value: Value { value: value.get_ref(), span: value.span() },
            })
            .collect();
        entries.sort_by_key(|entry| entry.key.span.start);
        Section { what, span, entries }
    }

    /// The same, after complaining of keys that are not known.
    pub(super) fn with_keys(self, known: &[&str], mistakes: &mut Mistakes) -> Self {
        for Entry { key, .. } in self.entries.iter().filter(|entry| !known.contains(&entry.key.text)) {
            let label = format!("{} has no such key", self.what);
            mistakes.add_unknown(key.span.clone(), "key", key.text, label, known.iter().copied());
        }
        self
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&Value<'d>> {
        self.entries.iter().find(|entry| entry.key.text == key).map(|entry| &entry.value)
    }

    /// The text of a key that may be left out.
    pub(super) fn text(&self, key: &str, mistakes: &mut Mistakes) -> Option<Text<'d>> {
        self.value(key)?.text(mistakes)
    }

    /// The text of a key that must be there and say something.
    pub(super) fn required_text(&self, key: &str, mistakes: &mut Mistakes) -> Option<Text<'d>> {
        let text = self.required(key, mistakes)?.text(mistakes)?;
        if text.text.trim().is_empty() {
            mistakes.add(text.span, format!("`{key}` is empty"), format!("{} needs it", self.what), None);
            return None;
        }
        Some(text)
    }

    /// The value of a key that must be there.
    pub(super) fn required(&self, key: &str, mistakes: &mut Mistakes) -> Option<&Value<'d>> {
        let value = self.value(key);
        if value.is_none() {
            mistakes.add(self.span.clone(), format!("`{key}` is missing"), format!("{} needs it", self.what), None);
        }
        value
    }

    /// The texts of a list that may be left out.
    pub(super) fn texts(&self, key: &str, mistakes: &mut Mistakes) -> Vec<Text<'d>> {
        self.value(key).map(|value| value.texts(mistakes)).unwrap_or_default()
    }

    /// A switch, off where it is left out.
    pub(super) fn flag(&self, key: &str, mistakes: &mut Mistakes) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.value.as_bool().unwrap_or_else(|| {
            value.is_not("`true` or `false`", mistakes);
            false
        })
    }
}

impl<'d> Value<'d> {
    /// A string.
    pub(super) fn text(&self, mistakes: &mut Mistakes) -> Option<Text<'d>> {
        let text = self.value.as_str();
        if text.is_none() {
            self.is_not("a string in quotes", mistakes);
        }
        text.map(|text| Text { text, span: self.span.clone() })
    }

    /// A list of strings.
    pub(super) fn texts(&self, mistakes: &mut Mistakes) -> Vec<Text<'d>> {
        self.list("a list of strings: `[\"...\"]`", mistakes).iter().filter_map(|value| value.text(mistakes)).collect()
    }

    /// A list; `form` shows how to write it.
    pub(super) fn list(&self, form: &str, mistakes: &mut Mistakes) -> Vec<Value<'d>> {
        let Some(list) = self.value.as_array() else {
            self.is_not(form, mistakes);
            return Vec::new();
        };
        list.iter().map(|value| Value { value: value.get_ref(), span: value.span() }).collect()
    }

    /// A table; `form` shows how to write it.
    pub(super) fn section(&self, what: &'static str, form: &str, mistakes: &mut Mistakes) -> Option<Section<'d>> {
        let Some(table) = self.value.as_table() else {
            self.is_not(form, mistakes);
            return None;
        };
        Some(Section::open(what, table, self.span.clone()))
    }

    /// A list of tables.
    pub(super) fn sections(&self, what: &'static str, form: &str, mistakes: &mut Mistakes) -> Vec<Section<'d>> {
        self.list(form, mistakes).iter().filter_map(|value| value.section(what, form, mistakes)).collect()
    }

    /// Whether it is a table.
    pub(super) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// Whether it is a list of nothing.
    pub(super) fn is_empty_list(&self) -> bool {
        self.value.as_array().is_some_and(|list| list.is_empty())
    }

    /// Where it stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    fn is_not(&self, expected: &str, mistakes: &mut Mistakes) {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a boolean",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        mistakes.add(self.span.clone(), format!("{found} cannot stand here"), format!("expected {expected}"), None);
    }
}

impl<'d> Text<'d> {
    /// What it says, by `read`.
    pub(super) fn read<T>(&self, read: impl Fn(&str) -> Result<T, Malformed>, mistakes: &mut Mistakes) -> Option<T> {
        read(self.text).map_err(|malformed| mistakes.add_malformed(self.span.clone(), malformed)).ok()
    }
}
