//! A body that nobody has read: the platform's stream at the edge, bytes elsewhere.

#[cfg(target_arch = "wasm32")]
pub use edge::Unread;
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Unread;

#[cfg(target_arch = "wasm32")]
mod edge {
    use wasm_bindgen::{JsCast as _, JsValue};
    use worker::js_sys::{Function, Promise, Uint8Array};
    use worker::wasm_bindgen_futures::JsFuture;

    use crate::platform::log;

    /// Reads the body of a request when it is asked to, once.
    #[derive(Clone, Debug)]
    pub struct Unread(Function);

    impl Unread {
        /// By a function that takes a limit and gives a promise of the bytes, or of nothing where there are more.
        pub fn new(read: Function) -> Self {
            Self(read)
        }

        /// The body; nothing where it is longer than `limit` bytes, or breaks off.
        pub async fn read(&self, limit: usize) -> Option<Vec<u8>> {
            let limit = JsValue::from_f64(limit as f64);
            let promise = self.0.call1(&JsValue::UNDEFINED, &limit).ok()?.unchecked_into::<Promise>();
            match JsFuture::from(promise).await {
                Ok(bytes) => bytes.dyn_into::<Uint8Array>().ok().map(|bytes| bytes.to_vec()),
                Err(error) => {
                    log::error("-", "request.body_broke_off", &format!("{error:?}"));
                    None
                }
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::Cell;
    use std::rc::Rc;

    /// Bytes that were not read yet.
    #[derive(Clone, Debug)]
    pub struct Unread {
        bytes: Rc<Vec<u8>>,
        was_read: Rc<Cell<bool>>,
    }

    impl Unread {
        /// A body of these bytes.
        pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
            Self { bytes: Rc::new(bytes.into()), was_read: Rc::default() }
        }

        /// The body; nothing where it is longer than `limit` bytes.
        pub async fn read(&self, limit: usize) -> Option<Vec<u8>> {
            self.was_read.set(true);
            (self.bytes.len() <= limit).then(|| self.bytes.to_vec())
        }

        /// Whether anybody has read it.
        pub fn was_read(&self) -> bool {
            self.was_read.get()
        }
    }
}
