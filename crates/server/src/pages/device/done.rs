//! What was done: beside the menu it is told on the page of the device, else on a page that leads back.

use askama::Template;

use crate::{
    http::App,
    pages::{
        frame::{Frame, Page},
        security,
        visit::{UserVisit, page},
    },
};

#[derive(Template)]
#[template(path = "device/done.html")]
struct Done<'a> {
    frame: &'a Frame,
    title: String,
}

/// Tells what was done, in the words of this key.
pub(super) async fn done(app: &App, visit: &UserVisit, key: &str) -> Page {
    let title = visit.browser.lang.say(key, &[]);
    let frame = Frame::of(app, visit, "security");
    if frame.has_menu {
        return security::shown(app, visit, Some(title)).await;
    }
    Ok(page(app, visit, &frame, &Done { frame: &frame, title }))
}

#[derive(Template)]
#[template(path = "device/none.html")]
struct NoDevice<'a> {
    frame: &'a Frame,
    title: String,
    /// Their link lets them bind one.
    may_bind: bool,
}

/// The page of this title, where no device is bound.
pub(super) fn no_device(app: &App, visit: &UserVisit, (path, title): (&str, &str)) -> Page {
    let frame = Frame::of(app, visit, "security").at(path);
    let none = NoDevice {
        title: frame.t(title),
        may_bind: visit.scope.leads_to(service::UserPageName::Bind),
        frame: &frame,
    };
    Ok(page(app, visit, &frame, &none))
}
