//! Reading documents: each kind of bad input, several at once, and back.
