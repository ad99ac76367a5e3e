//! Each kind of node, evaluated as far as it goes.
