//! What an error of the database means for who asked: try again, or ours to look at.

use crate::Problem;

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        let passing = match code.as_deref() {
            // PostgreSQL's codes have five characters: connection lost, shut down, too many, serialization, deadlock.
            Some(code) if code.len() == 5 => {
                ["08", "53", "57"].iter().any(|class| code.starts_with(class))
                    || ["40001", "40P01"].contains(&code)
            }
            // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_CANTOPEN, with their extended codes in the upper bytes.
            Some(code) => code
                .parse::<i32>()
                .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 14)),
            None => matches!(
                error,
                sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)
            ),
        };
        if passing {
            tracing::warn!(%error, request_id = crate::request_id(), "the database is not available");
            return Self::unavailable("The shop is busy. Please try again in a moment.");
        }
        Self::internal(error)
    }
}
