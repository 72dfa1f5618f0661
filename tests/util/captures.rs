//! Captures to put to the test: those of the cases, and those of the laboratory where `PORTPROOF_CORPUS` names them.

#![allow(clippy::print_stdout, reason = "a skipped test says so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use serde::Deserialize;
use serde_json::Value;

use super::Accepted;

/// Captures analysed at a time: the smallest machines that run these tests have two cores.
const THREADS: usize = 2;

/// A capture whose verdicts are known.
pub(crate) struct Known {
    /// The case or the scenario.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// The file's name in the folder.
    pub(crate) capture: String,
    pub(crate) site: Option<String>,
    /// By service.
    pub(crate) accepted: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// The capture as it stands in the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(self.folder.join(&self.capture)).unwrap()
    }
}

/// The captures of `fixtures/`.
pub(crate) fn cases() -> Vec<Known> {
    #[derive(Deserialize)]
    struct Case {
        capture: String,
        site: Option<String>,
        #[serde(default)]
        services: BTreeMap<String, Accepted>,
    }
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let read = |folder: PathBuf| {
        let case: Case = toml::from_str(&fs::read_to_string(folder.join("case.toml")).unwrap()).unwrap();
        let accepted = case.services.into_iter().map(|(id, accepted)| (id, accepted.verdict)).collect();
        Known { name: name(&folder), folder, capture: case.capture, site: case.site, accepted }
    };
    folders(&fixtures).into_iter().map(read).collect()
}

/// The captures of the laboratory; none, and a line that says so, where the environment does not name them.
pub(crate) fn laboratory() -> Vec<Known> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut all = Vec::new();
    for folder in folders(&corpus.join("lab")) {
        let truth: Value = serde_json::from_str(&fs::read_to_string(folder.join("truth.json")).unwrap()).unwrap();
        let services = super::list(&truth["services"]).iter();
        let accepted: BTreeMap<String, Vec<String>> = services
            .map(|service| {
                let verdicts = super::list(&service["verdict"]).iter().filter_map(text).collect();
                (text(&service["service"]).unwrap(), verdicts)
            })
            .collect();
        let judged = super::list(&truth["captures"]).iter().filter(|capture| capture["judge"] == true);
        all.extend(judged.map(|capture| Known {
            name: name(&folder),
            folder: folder.clone(),
            capture: text(&capture["file"]).unwrap(),
            site: text(&truth["site"]),
            accepted: accepted.clone(),
        }));
    }
    all
}

/// The folder of captures that the environment names.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("PORTPROOF_CORPUS").map(PathBuf::from).filter(|folder| folder.join("lab").is_dir());
    if folder.is_none() {
        println!("PORTPROOF_CORPUS names no folder of captures: skipped");
    }
    folder
}

/// Does the work for each of `items` and gives the results in their order.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    thread::scope(|scope| {
        let halves = items.chunks(items.len().div_ceil(THREADS).max(1));
        let threads: Vec<_> = halves.map(|half| scope.spawn(|| half.iter().map(&work).collect::<Vec<R>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().display().to_string()
}
