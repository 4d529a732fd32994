//! Panics of the core become errors: caught at the border, their message kept, nothing printed.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keep the message of a panic inside `catch`, and leave every other panic to the hook that was there.
/// The hook is this library's own: each Rust extension module has its own runtime.
pub fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if INSIDE.get() {
                MESSAGE.with_borrow_mut(|message| *message = info.to_string());
            } else {
                previous(info);
            }
        }));
    });
}

/// Run a call into the core. The error is the panic's message; whatever the call touched must not be used again.
pub fn catch<R>(call: impl FnOnce() -> R) -> Result<R, String> {
    INSIDE.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(call));
    INSIDE.set(false);
    result.map_err(|_| MESSAGE.take())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_message() {
        install_hook();
        assert_eq!(catch(|| 1), Ok(1));
        let message = catch(|| panic!("commit {} is out of range", 7)).unwrap_err();
        assert!(message.contains("commit 7 is out of range"), "{message}");
        assert!(message.contains("panics.rs"), "{message}");
    }
}
