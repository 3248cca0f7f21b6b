use crate::field::Field;
use crate::{Credential, Name, Note};

/// Names an entry of one vault for as long as the vault lives; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub(crate) u64);

impl EntryId {
    /// From [`get`](Self::get).
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// Its number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// An entry that is not in a vault yet. Holds a secret, so it has neither `Debug` nor `Clone`.
pub struct Draft {
    /// The service.
    pub issuer: Name,
    /// The user's name there.
    pub account: Name,
    /// What its owner remarked.
    pub note: Note,
    /// What its owner sorted it under, each once.
    pub groups: Vec<Name>,
    /// Shown first.
    pub favourite: bool,
    /// How often its code was asked for.
    pub uses: u64,
    /// What makes its codes.
    pub credential: Credential,
}

impl Draft {
    /// An entry with names and nothing else.
    pub fn new(issuer: Name, account: Name, credential: Credential) -> Self {
        Self {
            issuer,
            account,
            note: Note::default(),
            groups: Vec::new(),
            favourite: false,
            uses: 0,
            credential,
        }
    }

    /// As [`Entry::title`].
    pub fn title(&self) -> String {
        title(&self.issuer, &self.account)
    }
}

impl From<enroll::Entry> for Draft {
    fn from(entry: enroll::Entry) -> Self {
        let issuer = Name::tidied(entry.issuer().unwrap_or_default()).0;
        let account = Name::tidied(entry.account()).0;
        let (kind, algorithm, digits) = (entry.kind().into(), entry.algorithm(), entry.digits());
        Self::new(
            issuer,
            account,
            Credential::new(kind, entry.into_secret(), algorithm, digits),
        )
    }
}

/// An entry of a vault. What is public may be changed as one likes. Holds a secret, so it has neither `Debug` nor `Clone`.
pub struct Entry {
    pub(crate) id: EntryId,
    /// The service.
    pub issuer: Name,
    /// The user's name there.
    pub account: Name,
    /// What its owner remarked.
    pub note: Note,
    /// What its owner sorted it under, each once.
    pub groups: Vec<Name>,
    /// Shown first.
    pub favourite: bool,
    pub(crate) uses: u64,
    pub(crate) last_used_s: Option<u64>,
    pub(crate) credential: Credential,
    /// What a newer version said of it.
    pub(crate) unknown: Vec<Field>,
}

impl Entry {
    pub(crate) fn from_draft(id: EntryId, draft: Draft) -> Self {
        Self {
            id,
            issuer: draft.issuer,
            account: draft.account,
            note: draft.note,
            groups: draft.groups,
            favourite: draft.favourite,
            uses: draft.uses,
            last_used_s: None,
            credential: draft.credential,
            unknown: Vec::new(),
        }
    }

    /// Its id, the name for programs.
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// Its secret and the parameters of its codes.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Times that its code was asked for.
    pub fn uses(&self) -> u64 {
        self.uses
    }

    /// When that was last, in seconds since 1970.
    pub fn last_used_s(&self) -> Option<u64> {
        self.last_used_s
    }

    /// `issuer (account)`, or whichever there is; empty when there is neither.
    pub fn title(&self) -> String {
        title(&self.issuer, &self.account)
    }
}

pub(crate) fn title(issuer: &Name, account: &Name) -> String {
    match (issuer.as_str(), account.as_str()) {
        (issuer, "") => issuer.to_owned(),
        ("", account) => account.to_owned(),
        (issuer, account) => format!("{issuer} ({account})"),
    }
}
