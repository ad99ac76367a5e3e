//! The store of immutable values: Workers KV at the edge, a hash map elsewhere.
//!
//! KV may answer with what was there a minute ago. A key therefore carries the version of its value, and a value is
//! checked before it is trusted.

/// KV is not bound or does not answer. The text is for the log alone.
#[derive(Debug, thiserror::Error)]
#[error("store: {0}")]
pub struct KvError(String);

/// For how long a value stays, and what may be read beside it.
#[derive(Clone, Debug, Default)]
pub struct PutOptions {
    /// The value goes after so many seconds; KV takes no fewer than 60.
    pub expire_after: Option<u64>,
    /// What an operator sees when listing keys.
    pub metadata: Option<serde_json::Value>,
}

/// Some of the keys there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The keys.
    pub keys: Vec<String>,
    /// Where the next page begins; nothing after the last one.
    pub next: Option<String>,
}

#[cfg(target_arch = "wasm32")]
pub use edge::Kv;
#[cfg(not(target_arch = "wasm32"))]
pub use memory::Kv;

#[cfg(target_arch = "wasm32")]
mod edge {
    use std::cell::OnceCell;

    use worker::Env;
    use worker::kv::KvStore;

    use super::{KvError, Page, PutOptions};

    /// A KV namespace, perhaps one that is not bound: then each call fails.
    pub struct Kv {
        env: Env,
        name: &'static str,
        found: OnceCell<Result<KvStore, String>>,
    }

    impl Kv {
        /// The namespace bound as `name`.
        pub fn bound(env: &Env, name: &'static str) -> Self {
            Self { env: env.clone(), name, found: OnceCell::new() }
        }

        /// The value under `key`.
        pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
            Ok(self.store()?.get(key).bytes().await?)
        }

        /// Puts `value` under `key`.
        pub async fn put(&self, key: &str, value: &[u8], options: PutOptions) -> Result<(), KvError> {
            let mut put = self.store()?.put_bytes(key, value)?;
            if let Some(seconds) = options.expire_after {
                put = put.expiration_ttl(seconds);
            }
            if let Some(metadata) = options.metadata {
                put = put.metadata(metadata)?;
            }
            Ok(put.execute().await?)
        }

        /// The keys that begin with `prefix`, in their order: at most `most` of them, 1,000 at the most.
        pub async fn list(&self, prefix: &str, most: usize, cursor: Option<&str>) -> Result<Page, KvError> {
            let mut list = self.store()?.list().prefix(prefix.to_owned()).limit(most as u64);
            if let Some(cursor) = cursor {
                list = list.cursor(cursor.to_owned());
            }
            let listed = list.execute().await?;
            let keys = listed.keys.into_iter().map(|key| key.name).collect();
            Ok(Page { keys, next: listed.cursor.filter(|_| !listed.list_complete) })
        }

        /// Removes the value under `key`, if there is one.
        pub async fn delete(&self, key: &str) -> Result<(), KvError> {
            Ok(self.store()?.delete(key).await?)
        }

        fn store(&self) -> Result<&KvStore, KvError> {
            let found = self.found.get_or_init(|| self.env.kv(self.name).map_err(|error| error.to_string()));
            found.as_ref().map_err(|reason| KvError(reason.clone()))
        }
    }

    impl From<worker::kv::KvError> for KvError {
        fn from(error: worker::kv::KvError) -> Self {
            Self(error.to_string())
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod memory {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use super::{KvError, Page, PutOptions};

    /// A store in memory, perhaps one that is not bound: then each call fails.
    #[derive(Clone, Default)]
    pub struct Kv {
        values: Rc<RefCell<BTreeMap<String, Vec<u8>>>>,
        failing: Rc<Cell<bool>>,
    }

    impl Kv {
        /// An empty store.
        pub fn in_memory() -> Self {
            Self::default()
        }

        /// From now on each call fails, or no longer.
        pub fn fail(&self, failing: bool) {
            self.failing.set(failing);
        }

        /// The keys, sorted.
        pub fn keys(&self) -> Vec<String> {
            self.values.borrow().keys().cloned().collect()
        }

        /// The value under `key`.
        pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
            self.check(key)?;
            Ok(self.values.borrow().get(key).cloned())
        }

        /// Puts `value` under `key`. Nothing expires here: no test waits a minute.
        pub async fn put(&self, key: &str, value: &[u8], options: PutOptions) -> Result<(), KvError> {
            self.check(key)?;
            if options.expire_after.is_some_and(|seconds| seconds < 60) {
                return Err(KvError("a value must stay for 60 seconds".to_owned()));
            }
            self.values.borrow_mut().insert(key.to_owned(), value.to_vec());
            Ok(())
        }

        /// The keys that begin with `prefix`, in their order: at most `most` of them, 1,000 at the most.
        pub async fn list(&self, prefix: &str, most: usize, cursor: Option<&str>) -> Result<Page, KvError> {
            self.check(prefix)?;
            let values = self.values.borrow();
            let begins = |key: &&String| key.starts_with(prefix) && cursor.is_none_or(|cursor| key.as_str() > cursor);
            let mut keys: Vec<String> = values.keys().filter(begins).take(most.min(1000) + 1).cloned().collect();
            let more = keys.len() > most.min(1000);
            keys.truncate(most.min(1000));
            let next = keys.last().filter(|_| more).cloned();
            Ok(Page { keys, next })
        }

        /// Removes the value under `key`, if there is one.
        pub async fn delete(&self, key: &str) -> Result<(), KvError> {
            self.check(key)?;
            self.values.borrow_mut().remove(key);
            Ok(())
        }

        fn check(&self, key: &str) -> Result<(), KvError> {
            if self.failing.get() {
                return Err(KvError("made to fail".to_owned()));
            }
            if key.len() > 512 {
                return Err(KvError("a key has at most 512 bytes".to_owned()));
            }
            Ok(())
        }
    }
}
