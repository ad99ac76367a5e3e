//! The rows of a tenant, one area a file.
