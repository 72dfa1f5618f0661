use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Block, Explanation, sections};
use crate::report::{Cause, Verdict};

/// Columns of a page's source, so that it reads in any editor and in a diff.
const COLUMNS: usize = 80;

#[test]
fn every_page_has_its_title_and_the_fixed_sections() {
    for &cause in Cause::ALL {
        assert!(cause.page().starts_with(&format!("# {cause}\n\n## ")), "{cause}");
        let explanation = Explanation::of(cause);
        let headings: Vec<&str> = explanation.sections.iter().map(|section| section.heading).collect();
        assert_eq!(headings, Explanation::HEADINGS, "{cause}");
        for section in &explanation.sections {
            assert!(!section.blocks.is_empty(), "{cause}: nothing below {}", section.heading);
        }
        let commands =
            |section: &super::Section| section.blocks.iter().any(|block| matches!(block, Block::Commands(_)));
        assert!(commands(&explanation.sections[3]), "{cause}: no command confirms it");
    }
}

#[test]
fn every_page_is_short_plain_text() {
    for &cause in Cause::ALL {
        let page = cause.page();
        assert!(page.is_ascii() && page.ends_with('\n') && !page.ends_with("\n\n"), "{cause}");
        let lines = page.lines().count();
        assert!((15..=60).contains(&lines), "{cause}: {lines} lines");
        for line in page.lines() {
            assert!(line.len() <= COLUMNS && line.trim_end() == line, "{cause}: {line}");
        }
        assert!(page.matches('`').count().is_multiple_of(2), "{cause}: a backtick is not closed");
    }
}

#[test]
fn every_page_names_neighbours_that_exist() {
    for &cause in Cause::ALL {
        let like_a_code = |word: &str| {
            let part =
                |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            word.contains('-') && word.split('-').all(part)
        };
        for word in quoted(cause.page()).filter(|word| like_a_code(word)) {
            assert!(Cause::from_code(word).is_some() || SETTINGS.contains(&word), "{cause}: `{word}` is no code");
        }
        let neighbours = cause.page().split("\n## ").nth(3).unwrap();
        let named = quoted(neighbours).filter_map(Cause::from_code).filter(|other| *other != cause).count();
        assert!(named > 0, "{cause}: no neighbour is named");
    }
}

/// Settings of others that are written as codes are.
const SETTINGS: [&str; 6] =
    ["eap-identity", "fortinet-esp", "fragmentation-mtu", "ike-port", "ike-tcp-port", "ike-tls-service"];

#[test]
fn there_is_no_page_for_no_code() {
    let files: BTreeSet<String> = fs::read_dir(root().join("src/report/pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let codes: BTreeSet<String> = Cause::ALL.iter().map(|cause| format!("{cause}.md")).collect();
    assert_eq!(files, codes);
}

/// People read `docs/causes.md` where portproof is not at hand. `UPDATE_DOCS=1 cargo test --lib report::explanation` writes it.
#[test]
fn the_published_pages_are_these() {
    let path = root().join("docs/causes.md");
    let current = document();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == current,
        "docs/causes.md differs from src/report/pages: write it with UPDATE_DOCS=1 cargo test --lib report::explanation"
    );
}

#[test]
fn paragraphs_items_and_commands_are_told_apart() {
    let sections = sections(
        "# code\n\n## One\ntext\nmore\n- item\n  goes on\n- next\n\n    command 1\n    command 2\n\nend\n## Two\n",
    );
    assert_eq!(
        sections[0].blocks,
        [
            Block::Text("text more".into()),
            Block::Item("item goes on".into()),
            Block::Item("next".into()),
            Block::Commands(vec!["command 1", "command 2"]),
            Block::Text("end".into()),
        ]
    );
    assert!(sections[1].blocks.is_empty());
}

fn document() -> String {
    let mut out = format!(
        "<!-- Made of src/report/pages: UPDATE_DOCS=1 cargo test --lib report::explanation -->\n\n# Cause codes\n\n\
         Each service that does not simply work has one cause. The code is part of the interface: it never changes its\n\
         meaning, and its class is the verdict. `portproof explain CODE` prints the same page.\n\n{}\n",
        Explanation::ADDRESSES
    );
    let classes = [
        (
            Verdict::Blocked,
            "No conversation with the wanted server was had: something refused it, swallowed it or stood in for it.",
        ),
        (Verdict::Failed, "The two ends talked and did not agree, or an end is at fault."),
        (Verdict::Interrupted, "It worked in this capture, and does not at its end."),
        (Verdict::Degraded, "It works, but on a fallback or badly."),
        (Verdict::Inconclusive, "The capture cannot say."),
    ];
    for (verdict, meaning) in classes {
        let causes = || Cause::ALL.iter().filter(move |cause| cause.verdict() == verdict);
        write!(out, "\n## {}\n\n{meaning}\n\n| code | in one line |\n|---|---|\n", verdict.name()).unwrap();
        for cause in causes() {
            writeln!(out, "| [`{cause}`](#{cause}) | {} |", cause.in_one_line()).unwrap();
        }
        for cause in causes() {
            let page = cause.page().replace("\n## ", "\n#### ").replacen("# ", "### ", 1);
            write!(out, "\n{page}").unwrap();
        }
    }
    assert_eq!(out.matches("\n### ").count(), Cause::ALL.len());
    out
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
