//! The hosted pages: links that let a user in, the sessions of browsers, what is on a page and cannot be had elsewhere.

pub(crate) mod cookie;
pub(crate) mod ending;
pub(crate) mod link;
pub(crate) mod prompt;
pub(crate) mod prompt_answer;
pub(crate) mod session;
pub(crate) mod shown;
pub(crate) mod user_page;

pub use link::{IssuedPageLink, NewPageLink};
pub use prompt::{NewPromptLink, Prompt, PromptMethod};
pub use prompt_answer::AnsweredPrompt;
pub use session::{OpenedPage, PageVisitor};
pub use shown::EnrollmentOnPage;
pub use user_page::UserPageName;
