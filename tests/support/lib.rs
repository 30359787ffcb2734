//! Small named actors and helpers that the tests share.
