//! The log since the last compaction, in memory: what the core reads back and what peers are sent.
//!
//! It mirrors what the caller has on disk, or is writing there: entries come in with the `Ready` that hands them out,
//! and leave with `compact`. It holds no state machine, so a snapshot is asked of the caller.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use protobuf::Message as _;
use raft::eraftpb::{Entry, Snapshot, SnapshotMetadata};
use raft::{Error, GetEntriesContext, RaftState, Result, Storage, StorageError};

/// The tail of one replica's log.
pub struct LogTail {
    initial: RaftState,
    start_index: u64,
    start_term: u64,
    entries: VecDeque<Entry>,
    bytes: usize,
    snapshot: Option<Snapshot>,
    // `Storage::snapshot` takes `&self`; the lock is never contended and makes the type `Sync`.
    wanted: Mutex<BTreeMap<u64, u64>>,
}

/// What an entry costs in memory, roughly.
fn cost(entry: &Entry) -> usize {
    size_of::<Entry>() + entry.data.len() + entry.context.len()
}

impl LogTail {
    /// A log that starts after (index, term) and goes on with `entries`, which must follow without gap.
    pub fn new(initial: RaftState, start_index: u64, start_term: u64, entries: Vec<Entry>) -> Self {
        let bytes = entries.iter().map(cost).sum();
        LogTail {
            initial,
            start_index,
            start_term,
            entries: entries.into(),
            bytes,
            snapshot: None,
            wanted: Mutex::new(BTreeMap::new()),
        }
    }

    pub fn first(&self) -> u64 {
        self.start_index + 1
    }

    pub fn last(&self) -> u64 {
        self.start_index + self.entries.len() as u64
    }

    pub fn start(&self) -> (u64, u64) {
        (self.start_index, self.start_term)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn term_of(&self, index: u64) -> Option<u64> {
        if index == self.start_index {
            return Some(self.start_term);
        }
        let offset = index.checked_sub(self.first())?;
        self.entries.get(offset as usize).map(|e| e.term)
    }

    /// Put entries at their place; what the log held from the first of them on is replaced.
    pub fn append(&mut self, entries: &[Entry]) {
        let Some(first) = entries.first() else { return };
        assert!(
            first.index >= self.first() && first.index <= self.last() + 1,
            "append at {} to a log of {}..={}",
            first.index,
            self.first(),
            self.last()
        );
        let keep = (first.index - self.first()) as usize;
        for replaced in self.entries.drain(keep..) {
            self.bytes -= cost(&replaced);
        }
        self.bytes += entries.iter().map(cost).sum::<usize>();
        self.entries.extend(entries.iter().cloned());
    }

    /// Begin anew after a snapshot.
    pub fn install(&mut self, metadata: &SnapshotMetadata) {
        self.start_index = metadata.index;
        self.start_term = metadata.term;
        self.entries.clear();
        self.bytes = 0;
        self.snapshot = None;
    }

    /// Forget entries up to index, which the log holds.
    pub fn compact(&mut self, index: u64) {
        let Some(term) = self.term_of(index) else { return };
        for forgotten in self.entries.drain(..(index - self.start_index) as usize) {
            self.bytes -= cost(&forgotten);
        }
        self.start_index = index;
        self.start_term = term;
        if self.snapshot.as_ref().is_some_and(|s| s.get_metadata().index < index) {
            self.snapshot = None;
        }
    }

    pub fn set_snapshot(&mut self, snapshot: Option<Snapshot>) {
        self.snapshot = snapshot;
    }

    /// Who asked for a snapshot and found none: node -> lowest useful index. Empties the list.
    pub fn take_wanted(&mut self) -> BTreeMap<u64, u64> {
        std::mem::take(self.wanted.get_mut().expect("no holder of this lock panics"))
    }
}

impl Storage for LogTail {
    fn initial_state(&self) -> Result<RaftState> {
        Ok(self.initial.clone())
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        _context: GetEntriesContext,
    ) -> Result<Vec<Entry>> {
        if low < self.first() {
            return Err(Error::Store(StorageError::Compacted));
        }
        if high > self.last() + 1 {
            return Err(Error::Store(StorageError::Unavailable));
        }
        let range = (low - self.first()) as usize..(high - self.first()) as usize;
        let Some(max_size) = max_size.into() else {
            return Ok(self.entries.range(range).cloned().collect());
        };
        let mut size = 0u64;
        let mut found = Vec::new();
        for entry in self.entries.range(range) {
            size += u64::from(entry.compute_size());
            if !found.is_empty() && size > max_size {
                break;
            }
            found.push(entry.clone());
        }
        Ok(found)
    }

    fn term(&self, index: u64) -> Result<u64> {
        self.term_of(index).ok_or_else(|| {
            Error::Store(if index < self.start_index {
                StorageError::Compacted
            } else {
                StorageError::Unavailable
            })
        })
    }

    fn first_index(&self) -> Result<u64> {
        Ok(self.first())
    }

    fn last_index(&self) -> Result<u64> {
        Ok(self.last())
    }

    fn snapshot(&self, request_index: u64, to: u64) -> Result<Snapshot> {
        // A snapshot helps only if the log goes on from it.
        let lowest = request_index.max(self.start_index);
        match &self.snapshot {
            Some(snapshot) if snapshot.get_metadata().index >= lowest => Ok(snapshot.clone()),
            _ => {
                self.wanted
                    .lock()
                    .expect("no holder of this lock panics")
                    .insert(to, lowest);
                Err(Error::Store(StorageError::SnapshotTemporarilyUnavailable))
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::field_reassign_with_default)] // As protobuf messages are built.
mod tests {
    use super::*;

    fn entry(index: u64, term: u64) -> Entry {
        let mut entry = Entry::default();
        entry.index = index;
        entry.term = term;
        entry.data = vec![b'x'; 10].into();
        entry
    }

    fn log(entries: Vec<Entry>) -> LogTail {
        LogTail::new(RaftState::default(), 3, 2, entries)
    }

    #[test]
    fn append_replaces_a_conflicting_tail_and_keeps_the_byte_count() {
        let mut tail = log(vec![entry(4, 2), entry(5, 2), entry(6, 2)]);
        tail.append(&[entry(5, 3)]);
        assert_eq!((tail.first(), tail.last(), tail.term_of(5)), (4, 5, Some(3)));
        assert_eq!(tail.bytes(), 2 * cost(&entry(4, 2)));
    }

    #[test]
    fn compaction_keeps_the_term_of_its_last_entry() {
        let mut tail = log(vec![entry(4, 2), entry(5, 7), entry(6, 7)]);
        tail.compact(5);
        assert_eq!((tail.start(), tail.len()), ((5, 7), 1));
        assert_eq!(tail.term(4), Err(Error::Store(StorageError::Compacted)));
        assert_eq!(tail.term(5), Ok(7));
        assert_eq!(tail.term(7), Err(Error::Store(StorageError::Unavailable)));
    }

    #[test]
    fn a_snapshot_serves_until_the_log_is_compacted_past_it() {
        let mut tail = log(vec![entry(4, 2), entry(5, 2)]);
        assert!(tail.snapshot(0, 9).is_err());
        assert_eq!(tail.take_wanted(), BTreeMap::from([(9, 3)]));
        let mut snapshot = Snapshot::default();
        snapshot.mut_metadata().index = 4;
        tail.set_snapshot(Some(snapshot));
        assert!(tail.snapshot(0, 9).is_ok());
        tail.compact(5);
        assert!(tail.snapshot(0, 9).is_err());
        assert_eq!(tail.take_wanted(), BTreeMap::from([(9, 5)]));
    }

    #[test]
    fn entries_stop_at_the_size_but_give_at_least_one() {
        let tail = log(vec![entry(4, 2), entry(5, 2), entry(6, 2)]);
        let get = |max: u64| tail.entries(4, 7, max, GetEntriesContext::empty(false)).unwrap().len();
        assert_eq!((get(0), get(40), get(10_000)), (1, 2, 3));
    }
}
