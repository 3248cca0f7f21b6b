//! The view of a model. Pure: the same model on the same screen is the same picture.

mod big;
mod dialog;
mod list;
mod look;

use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Clear,
};

pub(super) use self::dialog::help_rows;
use self::look::{Look, fit, rows, width};
use super::model::{Dialog, Model, Open, State};

/// The least that has room for a list.
const MIN_WIDTH: u16 = 20;
const MIN_HEIGHT: u16 = 6;
/// From here on the chosen entry has a panel of its own.
const PANEL_FROM_HEIGHT: u16 = 14;
/// A sentence may cover so many rows of the list.
const MAX_NOTICE_ROWS: usize = 4;

impl Model {
    fn look(&self) -> Look {
        Look {
            has_colours: self.settings.has_colours,
        }
    }
}

pub(super) fn view(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    if area.width < MIN_WIDTH || area.height < MIN_HEIGHT {
        wrapped(frame, area, model.words().too_small, Style::new());
        return;
    }
    let header = Rect { height: 1, ..area };
    let footer = Rect {
        y: area.bottom() - 1,
        height: 1,
        ..area
    };
    let body = Rect {
        y: area.y + 1,
        height: area.height - 2,
        ..area
    };
    draw_header(model, frame, header);
    match &model.state {
        State::Locked(gate) => dialog::draw_gate(model, gate, frame, body),
        State::Open(open) => draw_open(model, open, frame, body),
    }
    draw_footer(model, frame, footer);
}

fn panel_height(screen_height: u16) -> u16 {
    match screen_height >= PANEL_FROM_HEIGHT {
        true => list::PANEL_HEIGHT,
        false => 0,
    }
}

/// Entries that are listed at once.
pub(super) fn list_rows(screen_height: u16) -> usize {
    let rows = screen_height.saturating_sub(2 + panel_height(screen_height));
    usize::from(rows).max(1)
}

fn draw_open(model: &Model, open: &Open, frame: &mut Frame<'_>, body: Rect) {
    match &open.dialog {
        Dialog::None | Dialog::Search => {
            let panel_height = match open.shown.is_empty() {
                true => 0,
                false => panel_height(frame.area().height),
            };
            let rows = Rect {
                height: body.height - panel_height,
                ..body
            };
            list::draw(model, open, frame, rows);
            if panel_height > 0 {
                let panel = Rect {
                    y: rows.bottom(),
                    height: panel_height,
                    ..body
                };
                list::draw_panel(model, open, frame, panel);
            }
        }
        Dialog::Add(input, error) => dialog::draw_add(model, input, error.as_deref(), frame, body),
        Dialog::Form(form, error) => dialog::draw_form(model, form, error.as_deref(), frame, body),
        Dialog::Remove(id) => dialog::draw_remove(model, open, *id, frame, body),
        Dialog::Secret { id, view } => dialog::draw_secret(model, open, *id, *view, frame, body),
        Dialog::Prove(id, gate) => dialog::draw_prove(model, open, *id, gate, frame, body),
        Dialog::Help { scroll } => dialog::draw_help(model, *scroll, frame, body),
    }
}

/// The name of the program, or what is searched; and what is listed how.
fn draw_header(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let (words, look) = (model.words(), model.look());
    let columns = usize::from(area.width);
    let State::Open(open) = &model.state else {
        frame.render_widget(Line::styled(format!(" {}", words.title), look.strong()), area);
        return;
    };
    let count = (words.list.count)(open.shown.len(), open.vault.entries().len());
    let group = open.group.as_ref().map_or(words.list.all_groups, vault::Name::as_str);
    let order = (words.list.order)(open.order);
    let full = format!("{count} · {order} · {group} ");
    let is_searching = matches!(open.dialog, Dialog::Search);
    let is_wide = columns >= 60 && width(&full) + 20 <= columns;
    let right = match (&open.group, is_wide) {
        (_, true) => full,
        (Some(_), false) => fit(&format!("{count} · {group} "), columns / 2),
        (None, false) => format!("{count} "),
    };
    let left = columns.saturating_sub(width(&right));
    let left_area = Rect {
        width: u16::try_from(left).unwrap_or(area.width),
        ..area
    };
    if is_searching || !open.query.is_empty() {
        dialog::draw_input(frame, left_area, " /", &open.query, look.strong(), is_searching);
    } else {
        // Half a name says nothing.
        if width(words.title) + 1 < left {
            frame.render_widget(Line::styled(format!(" {}", words.title), look.strong()), left_area);
        }
    }
    let right_area = Rect {
        x: area.x + left_area.width,
        width: area.width - left_area.width,
        ..area
    };
    frame.render_widget(Line::styled(right, look.faint()), right_area);
}

/// Draws the footer: the last notice, or else what the keys do.
fn draw_footer(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    let look = model.look();
    let columns = usize::from(area.width);
    if let Some(notice) = &model.notice {
        let style = if notice.is_bad { look.bad() } else { look.good() };
        let taken = rows(&notice.text, columns - 2).len().min(MAX_NOTICE_ROWS);
        let taken = u16::try_from(taken).unwrap_or(1);
        let area = Rect {
            y: area.bottom() - taken,
            height: taken,
            ..area
        };
        frame.render_widget(Clear, area);
        wrapped(frame, area, &notice.text, style);
        return;
    }
    let keys = &model.words().keys;
    let hints = match &model.state {
        State::Locked(_) => keys.gate,
        State::Open(open) => match &open.dialog {
            Dialog::None if open.vault.entries().is_empty() => keys.empty,
            Dialog::None => keys.list,
            Dialog::Search => keys.search,
            Dialog::Add(..) => keys.add,
            Dialog::Form(..) => keys.form,
            Dialog::Remove(_) => keys.confirm,
            Dialog::Secret { view, .. } => match view {
                super::model::SecretView::Warning => keys.confirm,
                super::model::SecretView::Seen { .. } => keys.qr,
            },
            Dialog::Prove(..) => keys.prove,
            Dialog::Help { .. } => keys.help,
        },
    };
    let mut spans = Vec::new();
    let mut used = 0;
    for (key, what) in hints {
        let takes = 1 + width(key) + 1 + width(what) + 1;
        if used + takes > columns {
            break;
        }
        used += takes;
        spans.push(Span::styled(format!(" {key}"), look.strong()));
        spans.push(Span::styled(format!(" {what} "), look.faint()));
    }
    // Without a panel the seconds left have their place here.
    if let State::Open(open) = &model.state
        && frame.area().width < 40
        && let Some(at) = open
            .selected_entry()
            .and_then(|entry| entry.credential().step_at(model.now.unix_s()))
        && matches!(open.dialog, Dialog::None | Dialog::Search)
    {
        let seconds = (model.words().list.seconds)(at.seconds_left);
        let seconds = Line::styled(format!("{seconds} "), look.code(Some(at.seconds_left)));
        while used + seconds.width() > columns && spans.len() > 1 {
            let dropped: usize = spans.drain(spans.len() - 2..).map(|span| span.width()).sum();
            used -= dropped;
        }
        frame.render_widget(Line::from(spans), area);
        frame.render_widget(seconds.right_aligned(), area);
        return;
    }
    frame.render_widget(Line::from(spans), area);
}

/// A text over as many rows as it takes, a column from the left; gives how many.
fn wrapped(frame: &mut Frame<'_>, area: Rect, text: &str, style: Style) -> u16 {
    let inset = u16::from(area.width >= MIN_WIDTH);
    let inner = Rect {
        x: area.x + inset,
        width: area.width - 2 * inset,
        ..area
    };
    let mut taken = 0;
    for (row, y) in rows(text, usize::from(inner.width))
        .into_iter()
        .zip(area.y..area.bottom())
    {
        frame.render_widget(Line::styled(row, style), Rect { y, height: 1, ..inner });
        taken += 1;
    }
    taken
}
