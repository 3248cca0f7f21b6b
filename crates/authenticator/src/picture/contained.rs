//! Decoders of strangers' files and codes may panic: that is their refusal, in one sentence of ours and without one of theirs.

use std::{
    cell::Cell,
    panic::{self, AssertUnwindSafe},
    sync::Once,
};

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// `None` where it panicked. Nothing that `work` borrows may be used afterwards then.
pub(super) fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What a panic says would stand on the screen before our sentence, and it would give a whole terminal back to the shell.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let says = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_INSIDE.get() {
                says(info);
            }
        }));
    });
    IS_INSIDE.set(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_INSIDE.set(false);
    done.ok()
}
