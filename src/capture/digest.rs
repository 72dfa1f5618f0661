//! The SHA-256 of what is read, worked out beside the reading: hashing a byte costs more than all else that is done with it.

use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use sha2::{Digest as _, Sha256};

/// Bytes handed over at a time, as many as are read at a time. A shorter file is hashed without a thread.
const CHUNK: usize = 256 << 10;

/// Chunks that may wait. One more is being filled and one hashed: 1 MiB in all.
const WAITING: usize = 2;

/// A hash of the bytes so far.
pub(super) struct Digest {
    pending: Vec<u8>,
    hash: Hash,
}

enum Hash {
    Here(Sha256),
    Beside(Stage),
}

/// A thread that hashes what it is sent, in order, and gives the emptied chunks back.
struct Stage {
    full: SyncSender<Vec<u8>>,
    spent: Receiver<Vec<u8>>,
    thread: JoinHandle<Sha256>,
}

impl Digest {
    pub(super) fn new() -> Self {
        Digest { pending: Vec::new(), hash: Hash::Here(Sha256::new()) }
    }

    pub(super) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = CHUNK.saturating_sub(self.pending.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.pending.extend_from_slice(now);
            if self.pending.len() >= CHUNK {
                self.pass_on();
            }
            bytes = later;
        }
    }

    /// The hash in hexadecimal; none where its thread has died.
    pub(super) fn finish(self) -> Option<String> {
        let mut hash = match self.hash {
            Hash::Here(hash) => hash,
            Hash::Beside(stage) => stage.finish()?,
        };
        hash.update(&self.pending);
        Some(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    fn pass_on(&mut self) {
        if let Hash::Here(hash) = &mut self.hash {
            match Stage::start(hash) {
                Some(stage) => self.hash = Hash::Beside(stage),
                None => {
                    hash.update(&self.pending);
                    self.pending.clear();
                }
            }
        }
        if let Hash::Beside(stage) = &self.hash {
            let empty = stage.spent.try_recv().unwrap_or_else(|_| Vec::with_capacity(CHUNK));
            // Where the thread has died, finishing tells.
            let _ = stage.full.send(mem::replace(&mut self.pending, empty));
        }
    }
}

impl Stage {
    /// None where the system gives no thread.
    fn start(hash: &Sha256) -> Option<Stage> {
        let (full, chunks) = sync_channel::<Vec<u8>>(WAITING);
        let (give_back, spent) = channel();
        let mut hash = hash.clone();
        let work = move || {
            for mut chunk in chunks {
                hash.update(&chunk);
                chunk.clear();
                let _ = give_back.send(chunk);
            }
            hash
        };
        let thread = Builder::new().name("sha256".to_owned()).spawn(work).ok()?;
        Some(Stage { full, spent, thread })
    }

    fn finish(self) -> Option<Sha256> {
        drop(self.full);
        self.thread.join().ok()
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::{CHUNK, Digest};

    fn at_once(bytes: &[u8]) -> Option<String> {
        Some(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
    }

    #[test]
    fn nothing_and_little_are_hashed_here() {
        assert_eq!(Digest::new().finish(), at_once(b""));
        let mut digest = Digest::new();
        digest.update(b"a");
        digest.update(b"bc");
        assert_eq!(
            digest.finish().as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            "FIPS 180-4's example"
        );
    }

    #[test]
    fn however_it_is_cut_much_has_the_same_hash() {
        let bytes: Vec<u8> = (0..7 * CHUNK + 5).map(|at| (at * 31 / 8) as u8).collect();
        for step in [1000, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, bytes.len()] {
            let mut digest = Digest::new();
            bytes.chunks(step).for_each(|part| digest.update(part));
            assert_eq!(digest.finish(), at_once(&bytes), "in steps of {step}");
        }
        let mut digest = Digest::new();
        digest.update(&bytes[..CHUNK]);
        assert_eq!(digest.finish(), at_once(&bytes[..CHUNK]));
    }
}
