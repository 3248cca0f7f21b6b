//! The transaction of a group commit: all that its calls change, with what else the owner writes by the way.

use std::{collections::HashSet, sync::PoisonError};

use rusqlite::{Connection, TransactionBehavior::Immediate};
use store::{Checked, Outcome, StoreError};

use super::{Call, Writer, answer};
use crate::{
    custody::Custody,
    fault::{Fault, Result},
    fold::Folded,
    generation::{Generation, Raising},
    group::{Finished, Group},
    register,
    shared::{Shared, lock},
    tables::owner,
    trust::Trust,
};

impl Writer {
    /// Commits these calls as one group, and answers each.
    pub(super) fn commit(&mut self, mut calls: Vec<Call>) {
        let done = match self.transact(&mut calls) {
            // One call met a damaged row: it must not take the others down with it.
            Err(Fault::Store(StoreError::Damaged(_))) if calls.len() > 1 => {
                for call in calls {
                    self.commit(vec![call]);
                }
                return;
            }
            done => done.map_err(StoreError::from),
        };
        match done {
            Ok(outcomes) => {
                for (call, outcomes) in calls.into_iter().zip(outcomes) {
                    answer(call.reply, Ok(outcomes));
                }
            }
            Err(error) => {
                tracing::error!(%error, "a group was not committed");
                // What became of it is asked of the database.
                self.shared.known.forget_all();
                let _noted = self.shared.damage.note::<()>(Err(error.clone()));
                for call in calls {
                    answer(call.reply, Err(error.clone()));
                }
            }
        }
    }

    /// One transaction for these calls. Nothing in memory changes before COMMIT has returned.
    fn transact(&mut self, calls: &mut [Call]) -> Result<Vec<Vec<Outcome>>> {
        if self.chain_closed {
            return Err(StoreError::Closed.into());
        }
        let shared = self.shared.clone();
        shared.trust.ask()?;
        let raising = raise(&shared, calls)?;
        let head = *lock(&shared.head);

        let tx = self.conn.transaction_with_behavior(Immediate)?;
        self.others.look(&tx, &shared.known)?;
        let log_length = match &mut self.custody {
            Some(custody) => still_owned(custody, &tx, &shared.trust)?,
            None => self.log.length(),
        };
        if log_length == 0 {
            owner::begin_log(&tx)?;
        }
        // Only this thread changes the tail; the readers read beside.
        let tail = shared.tail.read().unwrap_or_else(PoisonError::into_inner);
        let mut group = Group::new(&tx, &tail, &shared.known, head)?;
        let outcomes = calls
            .iter()
            .map(|call| call.changes.iter().map(|change| group.apply(change)).collect())
            .collect::<Result<Vec<_>>>()?;
        let finished = group.finish()?;
        if let (false, Some(newest)) = (shared.owner, finished.row) {
            register::note_last(&tx, head.chain, newest)?;
        }
        if finished.row.is_some_and(|row| row <= self.fold.newest()) {
            return Err(put_back(&shared.trust));
        }
        let owed = self.fold.owed(self.tuning.fold_at);
        let folded = (shared.owner && owed >= self.tuning.fold_chunk.max(1))
            .then(|| {
                self.fold
                    .step(&tx, &tail, &finished.touched(), owed, self.tuning.fold_at)
            })
            .transpose()?;
        drop(tail);
        tx.commit()?;

        shared.known.committed(calls, &outcomes, finished.revision);
        self.publish(&shared, finished, folded.as_ref(), raising);
        // Once more: had somebody put another database in the place of this one just now, it would not know of this.
        if let Some(custody) = &self.custody {
            custody.check(&shared.trust)?;
        }
        Ok(outcomes)
    }

    /// After COMMIT: what is durable becomes known.
    fn publish(
        &mut self,
        shared: &Shared,
        finished: Finished,
        folded: Option<&Folded>,
        mut raising: Option<Raising<'_>>,
    ) {
        if finished.erases {
            self.erasure.begin(&finished.erased);
        }
        if let Some(folded) = folded {
            self.fold.done(folded);
        }
        *lock(&shared.head) = finished.head;
        let (events, newest) = (finished.events, finished.row);
        if let (Some(raising), Some(newest)) = (&mut raising, newest) {
            raising.committed(newest);
        }
        let mut tail = shared.tail.write().unwrap_or_else(PoisonError::into_inner);
        finished.publish(&mut tail, folded.map_or(&[], |folded| &folded.users));
        self.fold.appended(events, newest, tail.len());
        drop(tail);
        drop(raising);
    }

    /// The owner's next transaction, which is nobody's if it is not the owner any more.
    pub(super) fn owned(&mut self, work: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
        let tx = self.conn.transaction_with_behavior(Immediate)?;
        if let Some(custody) = &self.custody {
            custody.owns(&tx, &self.shared.trust)?;
        }
        work(&tx)?;
        Ok(tx.commit()?)
    }

    /// Writes back up to `count` states in a transaction of its own.
    pub(super) fn fold_some(&mut self, count: usize) -> Result<()> {
        let tx = self.conn.transaction_with_behavior(Immediate)?;
        if let Some(custody) = &self.custody {
            custody.owns(&tx, &self.shared.trust)?;
        }
        let tail = self.shared.tail.read().unwrap_or_else(PoisonError::into_inner);
        let folded = self
            .fold
            .step(&tx, &tail, &HashSet::new(), count, self.tuning.fold_at)?;
        drop(tail);
        tx.commit()?;
        self.fold.done(&folded);
        let mut tail = self.shared.tail.write().unwrap_or_else(PoisonError::into_inner);
        for user in &folded.users {
            tail.remove(user);
        }
        Ok(())
    }
}

/// The API keys' generation, raised for a group that changes some.
fn raise<'a>(shared: &'a Shared, calls: &[Call]) -> Result<Option<Raising<'a>>> {
    let mut changes = calls.iter().flat_map(|call| &call.changes);
    let changes_keys = changes.any(Checked::changes_api_keys);
    let generation = shared.generation.as_ref().filter(|_| changes_keys);
    Ok(generation.map(Generation::raise).transpose()?)
}

/// In the transaction: the files are the ones that were opened, and this process owns them. The result is the log's length.
fn still_owned(custody: &mut Custody, tx: &Connection, trust: &Trust) -> Result<u64> {
    custody.owns(tx, trust)?;
    custody.check(trust)?;
    Ok(custody.log_length(trust)?)
}

fn put_back(trust: &Trust) -> Fault {
    let why = "the trail ends before rows that were answered: the database was put back under this service; stop it";
    trust.lose(why.into()).into()
}
