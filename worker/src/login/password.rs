//! A password that is shown: the same work for every account, whether it has one or not.

use parapet::model::Secret;

use crate::app::App;

/// Whether it is the one whose hash this is. Without a hash it is none's, and takes as long.
pub fn is_right(app: &App, shown: &Secret, hash: Option<&Secret>) -> bool {
    app.memory.hasher.borrow_mut().verify(shown.expose(), hash.map_or("", |h| h.expose()))
}
