//! The operator's brand on the hosted pages: a name, a colour, a logo, where help is found.

/// What the operator gives of the hosted pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brand {
    /// The name in titles and at the head of each page.
    pub name: String,
    /// The colour of buttons and links, as `#rrggbb`.
    pub colour: String,
    /// The colour of text on it: `#ffffff` or `#000000`.
    pub text_colour: String,
    /// The picture at the head of each page: its content type and its bytes.
    pub logo: Option<(String, Vec<u8>)>,
    /// The address at which browsers reach the pages, without a slash at its end.
    pub url: Option<String>,
    /// Where people who are stuck find help.
    pub contact: Option<String>,
}

impl Default for Brand {
    fn default() -> Self {
        Self {
            name: "Countersign".into(),
            colour: "#1f4fd1".into(),
            text_colour: "#ffffff".into(),
            logo: None,
            url: None,
            contact: None,
        }
    }
}
