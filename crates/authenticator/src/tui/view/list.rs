//! The list of entries, and the chosen one below it.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};
use vault::{Entry, Kind};
use zeroize::Zeroizing;

use super::{
    big,
    look::{Look, bar, fit, in_halves, pad, width},
    wrapped,
};
use crate::tui::{
    model::{Model, Open},
    words::Words,
};

/// A code that is not shown.
const DOTS: &str = "•••";
/// Columns of a row's bar.
const BAR: usize = 10;
/// The large code with what is beside it, a rule above and a line below.
pub(super) const PANEL_HEIGHT: u16 = 6;

/// The code of an entry as the list shows it.
struct Seen {
    text: Zeroizing<String>,
    is_code: bool,
    seconds_left: Option<u32>,
}

impl Seen {
    fn of(model: &Model, open: &Open, entry: &Entry) -> Self {
        let unix_s = model.now.unix_s();
        let at = entry.credential().step_at(unix_s);
        let code = open.code(entry, unix_s).filter(|_| open.is_visible(entry.id()));
        let is_code = code.is_some();
        let text = code.map_or_else(
            || Zeroizing::new(format!("{DOTS} {DOTS}")),
            |code| in_halves(code.expose()),
        );
        Self {
            text,
            is_code,
            seconds_left: at.map(|at| at.seconds_left),
        }
    }
}

pub(super) fn draw(model: &Model, open: &Open, frame: &mut Frame<'_>, area: Rect) {
    let words = model.words();
    if open.shown.is_empty() {
        let text = match open.vault.entries().is_empty() {
            true => words.list.empty,
            false => words.list.none_found,
        };
        wrapped(frame, area, text, model.look().faint());
        return;
    }
    let rows = usize::from(area.height);
    let place = open.place().unwrap_or(0);
    let first = place
        .saturating_sub(rows / 2)
        .min(open.shown.len().saturating_sub(rows));
    let visible: Vec<&Entry> = open
        .shown
        .iter()
        .skip(first)
        .take(rows)
        .filter_map(|id| open.vault.entries().get(*id))
        .collect();
    let code_width = visible
        .iter()
        .map(|entry| usize::from(entry.credential().digits().get()) + 1)
        .max();
    let code_width = code_width.unwrap_or(0).max(width(DOTS) * 2 + 1);
    for (entry, y) in visible.into_iter().zip(area.y..) {
        let area = Rect { y, height: 1, ..area };
        let is_selected = open.selected == Some(entry.id());
        draw_row(model, open, entry, is_selected, code_width, frame, area);
    }
}

fn draw_row(
    model: &Model,
    open: &Open,
    entry: &Entry,
    is_selected: bool,
    code_width: usize,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let look = model.look();
    // A bar of one brightness, where the selection is.
    let faint = if is_selected { look.plain() } else { look.faint() };
    let columns = usize::from(area.width);
    let seen = Seen::of(model, open, entry);
    let period_s = entry.credential().kind().period_s().map_or(0, std::num::NonZero::get);
    let has_seconds = columns >= 40;
    let has_bar = columns >= 60;
    let mut right = vec![Span::styled(
        format!(" {:>code_width$}", seen.text.as_str()),
        if seen.is_code {
            look.code(seen.seconds_left)
        } else {
            faint
        },
    )];
    if let Some(left) = seen.seconds_left.filter(|_| has_seconds) {
        if has_bar {
            let (full, rest) = bar(left, period_s, BAR);
            right.push(Span::styled(format!("  {full}"), look.code(Some(left))));
            right.push(Span::styled(rest, faint));
        }
        right.push(Span::styled(format!(" {left:>3} "), look.plain()));
    } else if has_seconds {
        let tail = if has_bar {
            format!("{:>1$}", "HOTP ", BAR + 7)
        } else {
            " ".repeat(5)
        };
        right.push(Span::styled(tail, faint));
    }
    let right_width: usize = right.iter().map(Span::width).sum();
    let left_width = columns.saturating_sub(right_width);
    let marker = if entry.favourite { "★" } else { " " };
    let mut spans = vec![Span::raw(if is_selected { "▌" } else { " " }), Span::raw(marker)];
    let names_width = left_width.saturating_sub(2);
    let (issuer, account) = (entry.issuer.as_str(), entry.account.as_str());
    let (name, more) = if issuer.is_empty() {
        (account, "")
    } else {
        (issuer, account)
    };
    if columns >= 40 && !more.is_empty() {
        let first_width = (names_width * 2 / 5).max(8);
        spans.push(Span::styled(pad(name, first_width), look.plain()));
        let rest = names_width.saturating_sub(first_width + 1);
        spans.push(Span::styled(format!(" {}", pad(more, rest)), faint));
    } else {
        let text = match more {
            _ if columns >= 40 => name.to_owned(),
            "" => name.to_owned(),
            more => format!("{name} {more}"),
        };
        spans.push(Span::styled(pad(&text, names_width), look.plain()));
    }
    spans.extend(right);
    let line = Line::from(spans);
    frame.render_widget(
        if is_selected {
            line.patch_style(look.selected())
        } else {
            line
        },
        area,
    );
}

pub(super) fn draw_panel(model: &Model, open: &Open, frame: &mut Frame<'_>, area: Rect) {
    let look = model.look();
    let words = model.words();
    let columns = usize::from(area.width);
    let row = |at: u16| Rect {
        y: area.y + at,
        height: 1,
        ..area
    };
    frame.render_widget(Line::styled("─".repeat(columns), look.faint()), row(0));
    let Some(entry) = open.selected_entry() else {
        return;
    };
    let facts = facts(entry, words);
    let title_width = columns.saturating_sub(width(&facts) + 3);
    frame.render_widget(
        Line::from(vec![
            Span::styled(format!(" {}", pad(&entry.title(), title_width)), look.strong()),
            Span::styled(format!(" {facts} "), look.faint()),
        ]),
        row(1),
    );
    let seen = Seen::of(model, open, entry);
    let beside = draw_large(
        &seen,
        entry,
        look,
        words,
        frame,
        Rect {
            y: area.y + 2,
            height: 3,
            ..area
        },
    );
    let details = Rect {
        x: area.x + beside,
        width: area.width.saturating_sub(beside),
        ..area
    };
    let at = |at: u16| Rect {
        y: area.y + at,
        height: 1,
        ..details
    };
    if let Some(left) = seen.seconds_left {
        let period_s = entry.credential().kind().period_s().map_or(0, std::num::NonZero::get);
        let seconds = (words.list.seconds)(left);
        let bar_width = usize::from(details.width).saturating_sub(width(&seconds) + 3).min(30);
        let (full, rest) = bar(left, period_s, bar_width);
        frame.render_widget(
            Line::from(vec![
                Span::styled(full, look.code(Some(left))),
                Span::styled(rest, look.faint()),
                Span::styled(format!(" {seconds}"), look.plain()),
            ]),
            at(2),
        );
        if let Some(next) = entry
            .credential()
            .step_at(model.now.unix_s())
            .filter(|_| seen.is_code)
            .map(|at| entry.credential().code(at.step.offset(1)))
        {
            let next = in_halves(next.expose());
            let text = Zeroizing::new(format!("{} {}", words.list.next, *next));
            frame.render_widget(Line::styled(text.as_str(), look.plain()), at(3));
        }
    }
    if !entry.groups.is_empty() {
        let groups: Vec<&str> = entry.groups.iter().map(vault::Name::as_str).collect();
        let text = fit(&groups.join(", "), usize::from(details.width).saturating_sub(1));
        frame.render_widget(Line::styled(text, look.faint()), at(4));
    }
    let note = entry.note.as_str().lines().next().unwrap_or_default();
    frame.render_widget(
        Line::styled(format!(" {}", fit(note, columns.saturating_sub(2))), look.faint()),
        row(5),
    );
}

/// The code, as large as there is room; gives the column where the rest may begin.
fn draw_large(seen: &Seen, entry: &Entry, look: Look, words: &Words, frame: &mut Frame<'_>, area: Rect) -> u16 {
    const BESIDE: usize = 22;
    let style = match seen.is_code {
        true => look.code(seen.seconds_left),
        false => look.faint(),
    };
    let lines = big::lines(&seen.text);
    let large = width(&lines[0]);
    if seen.is_code && large + BESIDE < usize::from(area.width) {
        for (line, y) in lines.iter().zip(area.y..) {
            let area = Rect { y, height: 1, ..area };
            let line = Zeroizing::new(format!("  {}", line.as_str()));
            // A line's style is that of its whole row; what is beside the code has its own.
            frame.render_widget(Line::from(Span::styled(line.as_str(), style)), area);
        }
        return u16::try_from(large).unwrap_or(0) + 4;
    }
    let middle = Rect {
        y: area.y + 1,
        height: 1,
        ..area
    };
    let text = Zeroizing::new(format!("  {}", seen.text.as_str()));
    frame.render_widget(Line::from(Span::styled(text.as_str(), style)), middle);
    let mut beside = width(&seen.text) + 5;
    if !seen.is_code {
        let hint = match entry.credential().kind() {
            Kind::Hotp { .. } => words.list.by_use,
            Kind::Totp { .. } | Kind::Steam => words.list.hidden,
        };
        let below = Rect {
            y: area.y + 2,
            height: 1,
            ..area
        };
        frame.render_widget(Line::styled(format!("  {hint}"), look.faint()), below);
        beside = beside.max(width(hint) + 4);
    }
    u16::try_from(beside).unwrap_or(0)
}

/// The parameters of an entry's codes.
fn facts(entry: &Entry, words: &Words) -> String {
    let credential = entry.credential();
    let digits = (words.list.digits)(credential.digits().get());
    let algorithm = credential.algorithm().name();
    match credential.kind() {
        Kind::Steam => "Steam".into(),
        Kind::Hotp { counter } => format!("HOTP · {algorithm} · {digits} · #{counter}"),
        Kind::Totp { period_s } => {
            let period = (words.list.seconds)(period_s.get());
            format!("TOTP · {algorithm} · {digits} · {period}")
        }
    }
}
