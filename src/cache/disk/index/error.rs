//! What redb's errors mean here: the disk failed, or the file makes no sense.

use std::io;

use redb::{CommitError, DatabaseError, SetDurabilityError, StorageError, TableError, TransactionError};

/// Why the index did not do what it should. It is to be opened anew after any of these.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    #[error("index cannot be read or written")]
    Io(#[source] io::Error),
    /// It is to be begun anew.
    #[error("index is damaged: {0}")]
    Damaged(Box<str>),
}

// === impl IndexError ===

impl IndexError {
    pub(crate) fn damaged(what: &str) -> Self {
        Self::Damaged(what.into())
    }
}

impl From<StorageError> for IndexError {
    fn from(error: StorageError) -> Self {
        match error {
            // How a file that redb did not write, or that ends too early, is told at opening.
            StorageError::Io(error)
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                Self::Damaged(error.to_string().into())
            }
            StorageError::Io(error) => Self::Io(error),
            StorageError::Corrupted(what) => Self::Damaged(what.into()),
            // Among them that an earlier call failed, which redb says until it is opened anew.
            other => Self::Io(io::Error::other(other)),
        }
    }
}

impl From<DatabaseError> for IndexError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Storage(error) => error.into(),
            DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => Self::Damaged(error.to_string().into()),
            other => Self::Io(io::Error::other(other)),
        }
    }
}

impl From<TableError> for IndexError {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            // Tables of other types are those of another program.
            other => Self::Damaged(other.to_string().into()),
        }
    }
}

impl From<TransactionError> for IndexError {
    fn from(error: TransactionError) -> Self {
        match error {
            TransactionError::Storage(error) => error.into(),
            other => Self::Io(io::Error::other(other)),
        }
    }
}

impl From<CommitError> for IndexError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Storage(error) => error.into(),
            other => Self::Io(io::Error::other(other)),
        }
    }
}

impl From<SetDurabilityError> for IndexError {
    fn from(error: SetDurabilityError) -> Self {
        Self::Io(io::Error::other(error))
    }
}
