//! What there is to know of a cause: its page, in sections. The pages are Markdown, `pages/CODE.md`, and `docs/causes.md` is
//! made of them.
//!
//! A page has the title and the sections of [`Explanation::HEADINGS`], each of paragraphs, `- ` items, and commands that are
//! indented by four.

use super::Cause;

/// The page of a cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What the page is about.
    pub cause: Cause,
    /// In the order of the page.
    pub sections: Vec<Section>,
}

/// A heading and what stands below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Without its mark.
    pub heading: &'static str,
    /// In the order of the page.
    pub blocks: Vec<Block>,
}

/// What belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph, on one line.
    Text(String),
    /// An item of a list, on one line.
    Item(String),
    /// Lines to be copied as they are: commands, display filters.
    Commands(Vec<&'static str>),
}

impl Explanation {
    /// The sections of every page.
    pub const HEADINGS: [&'static str; 6] =
        ["What it means", "On the wire", "Not to be confused with", "Confirm it", "Mend it", "Sources"];

    /// What stands in for the reader's own addresses on every page.
    pub const ADDRESSES: &'static str = "198.51.100.7 stands for the client (at the gateway: the address that it has \
                                         there, behind a NAT), 203.0.113.10 for the server or gateway.";

    /// The page of a cause.
    pub fn of(cause: Cause) -> Self {
        Explanation { cause, sections: sections(cause.page()) }
    }
}

fn sections(page: &'static str) -> Vec<Section> {
    let mut sections: Vec<Section> = vec![];
    let mut in_block = false;
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            sections.push(Section { heading, blocks: vec![] });
            in_block = false;
            continue;
        }
        // What stands before the first heading is the title.
        let Some(Section { blocks, .. }) = sections.last_mut() else { continue };
        let text = line.trim();
        if text.is_empty() {
            in_block = false;
            continue;
        }
        match blocks.last_mut().filter(|_| in_block) {
            Some(Block::Commands(commands)) => commands.push(text),
            Some(Block::Text(paragraph) | Block::Item(paragraph)) if !text.starts_with("- ") => {
                paragraph.push(' ');
                paragraph.push_str(text);
            }
            _ => blocks.push(match text.strip_prefix("- ") {
                Some(item) => Block::Item(item.to_owned()),
                None if line.starts_with("    ") => Block::Commands(vec![text]),
                None => Block::Text(text.to_owned()),
            }),
        }
        in_block = true;
    }
    sections
}

#[cfg(test)]
mod tests;
