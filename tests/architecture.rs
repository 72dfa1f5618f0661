//! The house holds: each module uses only what stands to its left, and the papers name what exists.
//!
//! ```text
//! bytes, time, text < capture, decode, proto < flow < analysis < profile < report < verdict < engine < render, live < cli
//! ```

#![allow(clippy::expect_used, clippy::panic, reason = "a test's helpers are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with every module that it may use. Its own name is always allowed.
///
/// A new module is a new row here, in its place in the order.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("bytes", &["time", "text"]),
    ("time", &["bytes", "text"]),
    ("text", &["bytes", "time"]),
    ("capture", &["bytes", "time", "text"]),
    ("decode", &["bytes", "time", "text", "capture"]),
    ("proto", &["bytes", "time", "text"]),
    ("flow", &["bytes", "time", "text", "capture", "decode", "proto"]),
    ("analysis", &["bytes", "time", "text", "capture", "decode", "proto", "flow"]),
    ("profile", &["bytes", "time", "text", "capture", "decode", "proto", "flow", "analysis"]),
    ("report", &["bytes", "time", "text", "capture", "decode", "proto", "flow", "analysis", "profile"]),
    ("verdict", &["bytes", "time", "text", "capture", "decode", "proto", "flow", "analysis", "profile", "report"]),
    (
        "engine",
        &["bytes", "time", "text", "capture", "decode", "proto", "flow", "analysis", "profile", "report", "verdict"],
    ),
    (
        "render",
        &[
            "bytes", "time", "text", "capture", "decode", "proto", "flow", "analysis", "profile", "report", "verdict",
            "engine",
        ],
    ),
    (
        "live",
        &[
            "bytes", "time", "text", "capture", "decode", "proto", "flow", "analysis", "profile", "report", "verdict",
            "engine",
        ],
    ),
    (
        "cli",
        &[
            "bytes", "time", "text", "capture", "decode", "proto", "flow", "analysis", "profile", "report", "verdict",
            "engine", "render", "live",
        ],
    ),
];

/// Lines of a file without its tests. The aim is 300 to 500; above this a file says more than one thing.
const LONGEST_FILE: usize = 600;

#[test]
fn modules_use_only_what_stands_to_their_left() {
    let mut violations = Vec::new();
    for source in sources() {
        let module = source.module();
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        for (line, used) in uses(&source.code, "crate") {
            if !may_use(&module, &used) {
                violations.push(format!("{}:{line}: `{module}` uses `{used}`", source.name()));
            }
        }
    }
    assert_none(violations, "the layer order is broken");
}

#[test]
fn the_binary_uses_only_the_command_line() {
    let main = sources().into_iter().find(|source| source.module() == "main").expect("src/main.rs");
    let other = ["crate", "portproof"]
        .into_iter()
        .flat_map(|root| uses(&main.code, root))
        .filter(|(_, used)| used != "cli")
        .map(|(line, used)| format!("src/main.rs:{line}: uses `{used}`"))
        .collect();
    assert_none(other, "main.rs hands over to `cli` and does nothing else");
}

#[test]
fn every_module_says_what_it_is() {
    let silent = sources()
        .into_iter()
        .filter(|source| source.path.ends_with("mod.rs") && !source.text.starts_with("//! "))
        .map(|source| source.name())
        .collect();
    assert_none(silent, "a mod.rs begins with `//!` and one sentence");
}

#[test]
fn no_file_says_too_much() {
    let long = sources()
        .into_iter()
        .map(|source| (source.code.len(), source.name()))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, name)| format!("{name}: {lines} lines without its tests"))
        .collect();
    assert_none(long, "a file above 600 lines says more than one thing");
}

#[test]
fn the_readme_names_the_two_commands_and_make_knows_them() {
    let readme = read(&root().join("README.md"));
    let makefile = read(&root().join("Makefile"));
    for target in ["demo", "test"] {
        assert!(readme.contains(&format!("make {target}")), "README.md does not name `make {target}`");
        let rule = format!("{target}:");
        assert!(makefile.lines().any(|line| line.starts_with(&rule)), "Makefile has no target `{target}`");
    }
}

#[test]
fn a_use_is_found_in_groups_and_paths_but_not_in_comments_or_tests() {
    let text = r#"
//! [`crate::cli`]
use crate::{
    bytes::{Reader, Window},
    time,
};
pub(crate) fn f() -> crate::flow::Flow {
    g(crate::text::visible) // crate::report
}
#[cfg(test)]
mod samples;
const AFTER: u8 = crate::decode::AFTER;
#[cfg(test)]
#[allow(dead_code)]
mod tests {
    use crate::verdict;
}
"#;
    let (code, only_for_tests) = without_tests(text);
    let found: Vec<String> = uses(&code, "crate").into_iter().map(|(_, used)| used).collect();
    assert_eq!(found, ["bytes", "time", "flow", "text", "decode"]);
    assert_eq!(only_for_tests, ["samples"]);
    assert_eq!(uses(&code, "crate")[2].0, 7);
}

/// A file under `src/` that is part of the program, not of its tests.
struct Source {
    /// From `src/` on.
    path: PathBuf,
    text: String,
    /// Its lines, numbered from 1, without the items that only tests see.
    code: Vec<(usize, String)>,
}

impl Source {
    /// The module at the top of the crate that the file belongs to: `flow` of `flow/tcp.rs`, `bytes` of `bytes.rs`.
    fn module(&self) -> String {
        let first = self.path.iter().next().expect("a path has a first part");
        first.to_string_lossy().trim_end_matches(".rs").to_owned()
    }

    fn name(&self) -> String {
        format!("src/{}", self.path.display())
    }
}

/// Every source file of the program, in the order of their names.
fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    paths.sort();

    let mut sources = Vec::new();
    let mut only_for_tests = BTreeSet::new();
    for path in paths {
        let text = read(&path);
        let (code, modules) = without_tests(&text);
        let children = folder_of_children(&path);
        only_for_tests.extend(modules.into_iter().map(|module| children.join(module)));
        sources.push(Source { path, text, code });
    }
    sources.retain(|source| !is_test(&source.path, &only_for_tests));
    for source in &mut sources {
        source.path = source.path.strip_prefix(&src).expect("walked from src").to_owned();
    }
    assert!(sources.len() > MAY_USE.len(), "src/ was not read");
    sources
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("a folder's entry").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
}

/// Where the modules that a file declares are: beside a `mod.rs`, else in the folder of the file's own name.
fn folder_of_children(path: &Path) -> PathBuf {
    let is_root = ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| path.ends_with(name));
    if is_root { path.parent().expect("a file has a folder").to_owned() } else { path.with_extension("") }
}

/// `tests.rs`, what is in a folder `tests`, and modules that were declared under `#[cfg(test)]`.
fn is_test(path: &Path, only_for_tests: &BTreeSet<PathBuf>) -> bool {
    let module = path.with_extension("");
    let by_name = module.strip_prefix(root()).expect("under the root").iter().any(|part| part == "tests");
    by_name || module.ancestors().any(|part| only_for_tests.contains(part))
}

/// The numbered lines of a file without the items under `#[cfg(test)]`, and the modules that are declared there.
///
/// rustfmt's layout tells where an item ends: at the first line of the same indentation that ends in `;`, `}` or `,`.
fn without_tests(text: &str) -> (Vec<(usize, String)>, Vec<String>) {
    let mut code = Vec::new();
    let mut modules = Vec::new();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        let start = line.trim_start();
        if start.starts_with("#![cfg(test)]") {
            return (Vec::new(), modules);
        }
        if !start.starts_with("#[cfg(test)]") {
            code.push((number, line.to_owned()));
            continue;
        }
        let indentation = line.len() - start.len();
        for (_, line) in lines.by_ref() {
            let item = line.trim_start();
            if let Some(module) = item.strip_suffix(';').and_then(|item| item.split_once("mod ")) {
                modules.push(module.1.to_owned());
            }
            if line.len() - item.len() == indentation && item.ends_with([';', '}', ',']) {
                break;
            }
        }
    }
    (code, modules)
}

/// The modules that stand after `root::`, each with its line: in `use` lines, groups and paths, not in comments.
fn uses(code: &[(usize, String)], root: &str) -> Vec<(usize, String)> {
    let start = format!("{root}::");
    let bare: Vec<&str> = code.iter().map(|(_, line)| without_comment(line)).collect();
    let mut found = Vec::new();
    for (at, (number, _)) in code.iter().enumerate() {
        for (position, _) in bare[at].match_indices(&start) {
            let (before, after) = (&bare[at][..position], &bare[at][position + start.len()..]);
            if before.ends_with(|last: char| last.is_alphanumeric() || last == '_') {
                continue;
            }
            let names = match after.strip_prefix('{') {
                Some(group) => heads_of_group(&format!("{group}\n{}", bare[at + 1..].join("\n"))),
                None => vec![head(after)],
            };
            found.extend(names.into_iter().map(|name| (*number, name)));
        }
    }
    found
}

/// `bytes` and `time` of `bytes::{Reader, Window}, time}`: the first name of each entry up to the closing brace.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut entry = String::new();
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => heads.push(head(&std::mem::take(&mut entry))),
            _ => {
                depth += i32::from(character == '{') - i32::from(character == '}');
                entry.push(character);
            }
        }
    }
    heads.push(head(&entry));
    heads.retain(|head| !head.is_empty());
    heads
}

fn head(path: &str) -> String {
    path.trim_start().chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// A comment begins a line or stands after a space: the `//` of a URL in a text does not count.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") { "" } else { line.split(" // ").next().unwrap_or(line) }
}

fn may_use(module: &str, used: &str) -> bool {
    module == used || MAY_USE.iter().any(|(name, allowed)| *name == module && allowed.contains(&used))
}

fn assert_none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
