//! `portproof explain`: what a cause code means.

use std::io::{self, BufWriter, Write};

use anyhow::bail;

use super::args::ExplainArgs;
use super::output;
use crate::profile::distance;
use crate::render::{self, Style};
use crate::report::Cause;
use crate::text::visible;

/// Codes that are proposed for a word that is none: more would be a list, and there is one.
const PROPOSED: usize = 3;

pub(super) fn run(arguments: &ExplainArgs) -> anyhow::Result<u8> {
    let causes = arguments.codes.iter().map(|word| cause(word)).collect::<anyhow::Result<Vec<Cause>>>()?;
    let style = Style { width: output::width(), colour: output::colour(arguments.color), ..Style::default() };
    let mut out = BufWriter::new(io::stdout().lock());
    if arguments.list {
        render::list_causes(&style, &mut out)?;
    } else {
        render::explain(&causes, &style, &mut out)?;
    }
    out.flush()?;
    Ok(0)
}

fn cause(word: &str) -> anyhow::Result<Cause> {
    let code = word.to_lowercase().replace(['_', ' '], "-");
    if let Some(cause) = Cause::from_code(&code) {
        return Ok(cause);
    }
    let word = visible(word);
    match nearest(&code).as_slice() {
        [] => bail!("no cause has the code `{word}`; portproof explain --list shows every code"),
        [head @ .., last] => {
            let head = head.iter().map(|near| format!("`{near}`")).collect::<Vec<_>>().join(", ");
            let or = if head.is_empty() { "" } else { " or " };
            bail!(
                "no cause has the code `{word}`; did you mean {head}{or}`{last}`? portproof explain --list shows every code"
            )
        }
    }
}

/// The codes that `word` is likely to be a slip of (at most one letter in three differs), the nearest first; then those that
/// it is a part of.
fn nearest(word: &str) -> Vec<Cause> {
    let mut slips: Vec<(usize, Cause)> = Cause::ALL
        .iter()
        .map(|cause| (distance(word, cause.code()), *cause))
        .filter(|(distance, cause)| distance * 3 <= cause.code().len())
        .collect();
    slips.sort();
    let part_of = Cause::ALL.iter().copied().filter(|cause| word.len() > 2 && cause.code().contains(word));
    let mut near: Vec<Cause> = slips.into_iter().map(|(_, cause)| cause).collect();
    near.extend(part_of.filter(|cause| !near.contains(cause)).collect::<Vec<_>>());
    near.truncate(PROPOSED);
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_known_however_they_are_typed() {
        for word in ["nat-t-no-reply", "NAT-T-No-Reply", "nat_t_no_reply", "nat-t no reply"] {
            assert_eq!(cause(word).unwrap(), Cause::NatTNoReply);
        }
    }

    #[test]
    fn the_nearest_codes_are_proposed() {
        assert_eq!(nearest("natt-no-reply").first(), Some(&Cause::NatTNoReply));
        assert_eq!(nearest("syn-no-rely").first(), Some(&Cause::SynNoReply));
        assert_eq!(nearest("fragments"), [Cause::IkeFragmentsLost]);
        assert_eq!(nearest("icmp").len(), PROPOSED);
        assert!(nearest("nonsense").is_empty() && nearest("").is_empty() && nearest("-").is_empty());
    }

    #[test]
    fn what_was_typed_does_not_act_on_the_terminal() {
        assert!(!cause("\u{1b}[2J").unwrap_err().to_string().contains('\u{1b}'));
    }
}
