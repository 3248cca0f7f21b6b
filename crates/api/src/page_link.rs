//! Page links on the wire: addresses by which a user's browser is let in to the hosted pages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Actor, CodeText, IdentityWord, Text, Timestamp};

/// Makes a page link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PageLinkRequest {
    /// The page that the user is to see.
    pub page: HostedPage,
    /// Where the browser goes at the end: one of the API key's addresses, to the character.
    #[schema(example = "https://console.example/security/back")]
    pub return_url: Text<2048>,
    /// The caller's own words, which come back with the browser: compare them with what the same browser was given before.
    #[schema(example = "c0ffee")]
    pub state: Text<512>,
    /// The language of the pages; the browser's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<PageLang>,
    /// How the caller made sure of the user's identity: pages that bind a device want it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_proof: Option<IdentityWord>,
    /// The session that the user is in, by its `id`: the list of sessions says which one that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Uuid>,
    /// On whose behalf.
    pub actor: Actor,
}

/// Makes the link of a prompt, on which the user's browser answers a challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptLinkRequest {
    /// Where the browser goes at the end: one of the API key's addresses, to the character.
    #[schema(example = "https://login.example/mfa/back")]
    pub return_url: Text<2048>,
    /// The caller's own words, which come back with the browser: compare them with what the same browser was given before.
    #[schema(example = "c0ffee")]
    pub state: Text<512>,
    /// `base64url(SHA-256(code_verifier))` without padding: RFC 7636, `S256`.
    #[schema(example = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    pub code_challenge: Text<64>,
    /// The language of the page; the browser's own when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<PageLang>,
}

/// Fetches the answer that a user gave on the prompt.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromptExchangeRequest {
    /// The one-time code that the browser brought back.
    pub code: CodeText,
    /// The verifier whose SHA-256 the link was made with: 43 to 128 characters, kept in the session of that same browser.
    pub code_verifier: CodeText,
}

/// A page link: it opens once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PageLink {
    /// Where to send the browser. Whoever has it first is let in: hand it to the user's own browser alone.
    #[schema(example = "https://mfa.example.org/pages/open/AZqe9E9g…")]
    pub url: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A page of a user's security settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HostedPage {
    /// All of them.
    Security,
    /// Binding an authenticator app.
    Bind,
    /// Binding a hardware token.
    BindToken,
    /// A new device for an old one.
    Replace,
    /// Unbinding.
    Unbind,
    /// Login and operation protection.
    Protection,
    /// Protection of suspicious logins.
    SuspiciousLogin,
    /// Sessions.
    Sessions,
    /// Trusted browsers.
    TrustedDevices,
    /// What happened.
    History,
    /// New recovery codes.
    RecoveryCodes,
    /// What to do about a lost device.
    Lost,
}

/// A language of the hosted pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum PageLang {
    /// English.
    #[serde(rename = "en")]
    En,
    /// Chinese.
    #[serde(rename = "zh-CN")]
    Zh,
}

impl PageLang {
    /// The BCP 47 tag.
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }
}
