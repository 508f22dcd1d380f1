//! The kinds of statement and their keys, in the order that is signed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::clock::Timestamp;
use crate::ids::{
    ClientId, DocumentId, HandoverId, InvitationId, KeyId, LinkId, MemberId, PartnerId, RecoveryId,
    RootId, ShareId,
};

use super::codec::{
    Error, Hash, Line, MAX_TEXT_BYTES, Nonce, Recipient, Statement, TYPE_PREFIX, Word, read_line,
    write_line,
};
use super::key::PublicKey;
use super::words::{
    Basis, Category, Decision, Direction, Period, RevocationKind, Role, SealLevel, YesNo,
};

macro_rules! statement {
    ($(#[$doc:meta])* $name:ident = $kind:literal {
        $($(#[$field_doc:meta])* $field:ident $key:literal : $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Statement for $name {
            const KIND: &'static str = $kind;

            fn text(&self) -> String {
                let mut out = format!("{TYPE_PREFIX}{}\n", Self::KIND);
                $(write_line(&mut out, $key, &self.$field);)*
                out
            }

            fn from_text(text: &str) -> Result<Self, Error> {
                if text.len() > MAX_TEXT_BYTES {
                    return Err(Error::Malformed);
                }
                let mut lines = text.split('\n');
                let kind = lines.next().and_then(|l| l.strip_prefix(TYPE_PREFIX));
                if kind.ok_or(Error::Malformed)? != Self::KIND {
                    return Err(Error::WrongKind);
                }
                let statement = Self { $($field: read_line(&mut lines, $key)?,)* };
                // One statement, one text: what was read must encode to the very same bytes.
                if statement.text() == text { Ok(statement) } else { Err(Error::Malformed) }
            }
        }
    };
}

statement!(
    /// Who a member is and which keys they hold. Signed by the member's own key and, when
    /// new, by the invitation's derived key; the recovery key and the gateway's keys are
    /// signed by the root instead.
    Card = "card" {
        /// The firm.
        root "root": RootId,
        /// The member.
        member "member": MemberId,
        /// Their role.
        role "role": Role,
        /// H of the display name with the member id in front, so that the name can be erased.
        name_hash "name-hash": Hash,
        /// Counts the member's keyrings from 1.
        epoch "epoch": u64,
        /// Ed25519 key that signs for the member.
        sign "sign": PublicKey,
        /// X25519 recipient (`age1…`); none for keys that read nothing.
        recipient "recipient": Option<Recipient>,
        /// Post-quantum recipient (`age1pq1…`).
        recipient_pq "recipient-pq": Option<Recipient>,
        /// The card before.
        prev "prev": Option<Hash>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// Lets the holder of its secret join with one role. Signed by a lead; one that makes a
    /// lead also by the root.
    Invitation = "invitation" {
        /// The firm.
        root "root": RootId,
        /// Its id, which the link names.
        invitation "invitation": InvitationId,
        /// The role the new member will have.
        role "role": Role,
        /// The client, for principals and clerks.
        client "client": Option<ClientId>,
        /// Public half of the key derived from the link's secret.
        public "public": PublicKey,
        /// After this it is refused.
        expires "expires": Timestamp,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// Gives a member a role, or ends it. The root signs leads, gateway and witness keys; a
    /// lead signs everyone else.
    RoleGrant = "role" {
        /// The firm.
        root "root": RootId,
        /// The member.
        member "member": MemberId,
        /// The role.
        role "role": Role,
        /// The client it concerns.
        client "client": Option<ClientId>,
        /// From when.
        from "from": Timestamp,
        /// Until when; open where empty.
        until "until": Option<Timestamp>,
        /// The statement before about the same member, role and client.
        prev "prev": Option<Hash>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// Which accountants look after a client (分户). Signed by a lead; each one restates the
    /// whole set.
    Assignment = "assignment" {
        /// The firm.
        root "root": RootId,
        /// The client.
        client "client": ClientId,
        /// The category it is about; every category without one of its own where empty.
        category "category": Option<Category>,
        /// The accountants, all of them.
        accountants "accountants": Vec<MemberId>,
        /// The assignment before of the same client and category.
        prev "prev": Option<Hash>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// What is allowed for a client, or for the whole firm. Signed by a lead, or by a client's
    /// principal where it narrows.
    Policy = "policy" {
        /// The firm.
        root "root": RootId,
        /// The client; the whole firm where empty.
        client "client": Option<ClientId>,
        /// Whether the gateway may seal documents on arrival.
        on_arrival "on-arrival": YesNo,
        /// Whether documents are sealed to post-quantum recipients.
        post_quantum "post-quantum": YesNo,
        /// What clerks may read.
        reader_categories "reader-categories": Vec<Category>,
        /// The policy before.
        prev "prev": Option<Hash>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// A request link, or an address for sealing on arrival. Signed by the accountant.
    Link = "link" {
        /// The firm.
        root "root": RootId,
        /// Its id.
        link "link": LinkId,
        /// Whose space it leads to.
        client "client": ClientId,
        /// Public half of the key derived from the link's secret.
        public "public": PublicKey,
        /// After this it is refused.
        expires "expires": Timestamp,
        /// How many documents it takes.
        max_files "max-files": u64,
        /// How many payload bytes it takes in all.
        max_bytes "max-bytes": u64,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// The sender's statement about one document. Signed by the sender: a member, a link's
    /// derived key, or the gateway where it sealed on arrival.
    Manifest = "manifest" {
        /// The firm.
        root "root": RootId,
        /// The client.
        client "client": ClientId,
        /// The document.
        document "document": DocumentId,
        /// Key id of who signs.
        signer "signer": KeyId,
        /// Counts the signer's documents for this client from 1.
        seq "seq": u64,
        /// H of the signer's manifest before for this client.
        prev "prev": Option<Hash>,
        /// Where it was sealed.
        seal "seal": SealLevel,
        /// To the firm or to the client.
        direction "direction": Direction,
        /// Accounting period.
        period "period": Period,
        /// Category.
        category "category": Category,
        /// Nonce of the payload.
        nonce "nonce": Nonce,
        /// Bytes of the payload.
        length "length": u64,
        /// The combined hash of the pieces.
        pieces "pieces": Hash,
        /// The commitment.
        commit "commit": Hash,
        /// H of the sealed part.
        sealed "sealed": Hash,
        /// Fingerprints of the recipients.
        recipients "recipients": Vec<Hash>,
        /// When it was signed, by the sender's clock.
        time "time": Timestamp,
    }
);

statement!(
    /// What the first verified reader of a raw age file found in it. Signed by that reader.
    Adoption = "adoption" {
        /// The firm.
        root "root": RootId,
        /// The client.
        client "client": ClientId,
        /// The document.
        document "document": DocumentId,
        /// Key id of who signs.
        signer "signer": KeyId,
        /// Nonce of the payload.
        nonce "nonce": Nonce,
        /// Bytes of the payload.
        length "length": u64,
        /// The combined hash of the pieces.
        pieces "pieces": Hash,
        /// The commitment.
        commit "commit": Hash,
        /// H of the sealed part.
        sealed "sealed": Hash,
        /// Fingerprints of the recipients of the new header.
        recipients "recipients": Vec<Hash>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// Documents for one partner. Signed by the sharer; a sensitive one also by a second
    /// person of the firm.
    Share = "share" {
        /// The firm.
        root "root": RootId,
        /// Its id, which the link names.
        share "share": ShareId,
        /// For whom.
        partner "partner": PartnerId,
        /// What for.
        purpose "purpose": Line,
        /// After this it is refused.
        expires "expires": Timestamp,
        /// How many full sets are released.
        max_downloads "max-downloads": u64,
        /// The documents, all of them.
        documents "documents": Vec<DocumentId>,
        /// H of the list that is sealed to the share's identity.
        sealed "sealed": Hash,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// What a client's principal decides about a share. Signed by them.
    Authorisation = "authorisation" {
        /// The firm.
        root "root": RootId,
        /// The share.
        share "share": ShareId,
        /// Whose documents it shares.
        client "client": ClientId,
        /// What is decided.
        decision "decision": Decision,
        /// On what ground personal data may be passed on; none where nothing is allowed.
        basis "basis": Option<Basis>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// The gateway's signed promise about one document (回执).
    Receipt = "receipt" {
        /// The firm.
        root "root": RootId,
        /// The document.
        document "document": DocumentId,
        /// H of the manifest; empty for a raw age file.
        manifest "manifest": Option<Hash>,
        /// The combined hash of the pieces.
        pieces "pieces": Hash,
        /// The commitment; empty for a raw age file.
        commit "commit": Option<Hash>,
        /// Fingerprints of the recipients as the sender claims them.
        recipients "recipients": Vec<Hash>,
        /// The leaf of the audit entry that is promised to be sequenced.
        entry "entry": Hash,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// Two holders of recovery shares open one client's documents for a successor. Signed by the
    /// recovery key, which nobody has but two shares together, and by the lead who asks.
    Recovery = "recovery" {
        /// The firm.
        root "root": RootId,
        /// Its id.
        recovery "recovery": RecoveryId,
        /// Whose documents.
        client "client": ClientId,
        /// For whom they are sealed again.
        to "to": MemberId,
        /// Numbers of the shares, two of 1, 2, 3.
        shares "shares": Vec<u64>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// All clients of a leaving accountant go over to a successor (移交). Signed by leaver,
    /// successor and a lead who is neither.
    Handover = "handover" {
        /// The firm.
        root "root": RootId,
        /// Its id.
        handover "handover": HandoverId,
        /// Who leaves.
        from "from": MemberId,
        /// Who takes over.
        to "to": MemberId,
        /// Whose documents.
        clients "clients": Vec<ClientId>,
        /// How many documents the list names.
        documents "documents": u64,
        /// H of the list.
        list "list": Hash,
        /// When it was drawn up; the list ends there.
        time "time": Timestamp,
    }
);

statement!(
    /// Ends something: a member, an invitation, a link, a document. Signed by whoever may.
    Revocation = "revocation" {
        /// The firm.
        root "root": RootId,
        /// What kind of thing ends.
        kind "kind": RevocationKind,
        /// Which one: its id in hex.
        subject "subject": Word,
        /// The revocation before of the same subject.
        prev "prev": Option<Hash>,
        /// When it was signed.
        time "time": Timestamp,
    }
);

statement!(
    /// One entry of the audit log. Not signed by itself: it is a leaf of the log's tree.
    Entry = "entry" {
        /// When it was committed.
        time "time": Timestamp,
        /// Key id or member id of who did it; empty for somebody without an account.
        actor "actor": Option<Word>,
        /// What was done, e.g. `document.complete`.
        action "action": Word,
        /// The client concerned.
        client "client": Option<ClientId>,
        /// What it was done to.
        object "object": Option<Word>,
        /// H of the manifest concerned.
        manifest "manifest": Option<Hash>,
        /// The commitment concerned.
        commit "commit": Option<Hash>,
        /// HMAC-SHA-256 under a random salt of what may have to be erased.
        data "data": Hash,
    }
);

impl Entry {
    /// The value of `data` for what may have to be erased, which lies beside the log: HMAC-SHA-256
    /// under a random salt (RFC 2104).
    ///
    /// # Panics
    /// Never: HMAC takes keys of every length.
    pub fn mac(salt: &[u8; 32], data: &str) -> Hash {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes keys of every length");
        mac.update(data.as_bytes());
        Hash(mac.finalize().into_bytes().into())
    }

    /// The leaf of this entry in the log's tree: H(0x00 ‖ text) (RFC 6962, section 2.1).
    pub fn leaf(&self) -> Hash {
        let mut bytes = vec![0_u8];
        bytes.extend_from_slice(self.text().as_bytes());
        Hash::of(&bytes)
    }
}

impl Card {
    /// The value of `name-hash` for a display name.
    pub fn hash_name(member: MemberId, name: &str) -> Hash {
        let mut bytes = member.as_bytes().to_vec();
        bytes.extend_from_slice(name.as_bytes());
        Hash::of(&bytes)
    }
}
