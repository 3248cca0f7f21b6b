//! The dialogs: forms, questions, the QR code, help.

use enroll::{Qr, TerminalStyle, text_key};
use ratatui::{
    Frame,
    layout::{Position, Rect},
    style::{Color, Style},
    text::{Line, Span},
};
use vault::{Entry, EntryId};
use zeroize::Zeroizing;

use super::{
    look::{fit, pad, rows, width},
    wrapped,
};
use crate::{
    otpauth::uri_of,
    tui::{
        form::{Field, Form},
        input::Input,
        model::{Gate, Model, Open, SecretView},
        trouble::Trouble,
    },
};

/// Entries 16 and 231 of the 256 colours, which no theme changes.
const BLACK: Color = Color::Indexed(16);
const WHITE: Color = Color::Indexed(231);

/// Columns in which a key is still read.
const LEAST_BESIDE: u16 = 20;

/// Rows from the top, each used up once.
struct Rows {
    area: Rect,
}

impl Rows {
    fn next(&mut self) -> Rect {
        let row = Rect {
            height: self.area.height.min(1),
            ..self.area
        };
        self.skip(1);
        row
    }

    fn skip(&mut self, rows: u16) {
        let rows = rows.min(self.area.height);
        self.area.y += rows;
        self.area.height -= rows;
    }

    /// A sentence over as many rows as it takes; gives how many that were.
    fn say(&mut self, frame: &mut Frame<'_>, text: &str, style: Style) {
        let taken = wrapped(frame, self.area, text, style);
        self.skip(taken);
    }

    /// Draws lines as far as these rows stay free below them.
    fn say_above(&mut self, kept: u16, frame: &mut Frame<'_>, text: &str, style: Style) {
        let area = Rect {
            height: self.area.height.saturating_sub(kept),
            ..self.area
        };
        let taken = wrapped(frame, area, text, style);
        self.skip(taken);
    }

    /// Leaves one more row free, where there is room to spare.
    fn breathe(&mut self, needed: u16) {
        if self.area.height > needed {
            self.skip(1);
        }
    }
}

pub(super) fn draw_gate(model: &Model, gate: &Gate, frame: &mut Frame<'_>, area: Rect) {
    let (words, look) = (&model.words().gate, model.look());
    let mut rows = Rows { area };
    rows.breathe(8);
    let text = match (gate.is_new, gate.is_screen_only) {
        (true, _) => words.new,
        (false, true) => words.screen_locked,
        (false, false) => words.locked,
    };
    rows.say_above(2, frame, text, look.strong());
    if area.height > 6 {
        let place = fit(&model.settings.place, usize::from(area.width).saturating_sub(2));
        frame.render_widget(Line::styled(format!(" {place}"), look.faint()), rows.next());
    }
    rows.breathe(4);
    draw_passphrase(model, gate, frame, &mut rows);
}

fn draw_passphrase(model: &Model, gate: &Gate, frame: &mut Frame<'_>, rows: &mut Rows) {
    let (words, look) = (&model.words().gate, model.look());
    if gate.is_opening {
        frame.render_widget(Line::styled(format!(" {}", words.opening), look.plain()), rows.next());
    } else {
        let label = if gate.first.is_some() {
            words.again
        } else {
            words.passphrase
        };
        draw_input(
            frame,
            rows.next(),
            &format!(" {label}{}", model.words().colon),
            &gate.typed,
            look.strong(),
            true,
        );
    }
    rows.breathe(2);
    if let Some(error) = &gate.error {
        rows.say(frame, error, look.bad());
    }
}

pub(super) fn draw_add(model: &Model, input: &Input, error: Option<&str>, frame: &mut Frame<'_>, area: Rect) {
    let (words, look) = (&model.words().add, model.look());
    let mut rows = Rows { area };
    if area.height > 4 {
        frame.render_widget(Line::styled(format!(" {}", words.title), look.strong()), rows.next());
    }
    if area.height > 6 {
        rows.say(frame, words.what, look.faint());
        rows.breathe(4);
    }
    draw_input(
        frame,
        rows.next(),
        &format!(" {}{}", words.prompt, model.words().colon),
        input,
        look.strong(),
        true,
    );
    rows.breathe(3);
    if let Some(error) = error {
        rows.say(frame, error, look.bad());
    }
}

pub(super) fn draw_form(model: &Model, form: &Form, error: Option<&str>, frame: &mut Frame<'_>, area: Rect) {
    let (words, look) = (&model.words().form, model.look());
    let fields = form.fields();
    let label_width = fields
        .iter()
        .map(|field| width((words.field)(*field)))
        .max()
        .unwrap_or(0);
    let mut rows = Rows { area };
    let needed = u16::try_from(fields.len()).unwrap_or(u16::MAX);
    if area.height > needed {
        let title = if form.edits().is_some() { words.edit } else { words.new };
        frame.render_widget(Line::styled(format!(" {title}"), look.strong()), rows.next());
        rows.breathe(needed + 2);
    }
    let mut room = rows.area.height;
    if let Some(error) = error {
        let area = Rect {
            height: room.min(2),
            ..rows.area
        };
        let taken = wrapped(frame, area, error, look.bad());
        rows.skip(taken);
        room -= taken;
    }
    // Where not all fit, those around the one that is typed.
    let focus = fields.iter().position(|field| *field == form.focus).unwrap_or(0);
    let first = (focus + 1).saturating_sub(usize::from(room));
    for field in fields.into_iter().skip(first).take(usize::from(room)) {
        let is_focused = field == form.focus;
        let marker = if is_focused { "▌" } else { " " };
        let label = format!("{marker}{}  ", pad((words.field)(field), label_width));
        let style = if is_focused { look.strong() } else { look.plain() };
        let row = rows.next();
        match form.input(field) {
            Some(input) => draw_input(frame, row, &label, input, style, is_focused),
            None => {
                let choice = match field {
                    Field::Type => (words.kind)(form.kind).to_owned(),
                    Field::Algorithm => form.algorithm.name().to_owned(),
                    _ => form.digits.to_string(),
                };
                let choice = if is_focused {
                    format!("‹ {choice} ›")
                } else {
                    choice
                };
                let line = Line::from(vec![Span::styled(label, style), Span::styled(choice, style)]);
                frame.render_widget(line, row);
            }
        }
    }
}

pub(super) fn draw_remove(model: &Model, open: &Open, id: EntryId, frame: &mut Frame<'_>, area: Rect) {
    let words = &model.words().remove;
    // Of a long name so much that what follows is read.
    let title = fit(&title(open, id), usize::from(area.width));
    let question = (words.question)(&title);
    draw_question(model, &question, words.warning, frame, area);
}

pub(super) fn draw_secret(
    model: &Model,
    open: &Open,
    id: EntryId,
    view: SecretView,
    frame: &mut Frame<'_>,
    area: Rect,
) {
    let words = &model.words().secret;
    let Some(entry) = open.vault.entries().get(id) else {
        return wrapped_gone(model, frame, area);
    };
    match view {
        SecretView::Warning => {
            let question = (words.question)(&fit(&entry.title(), usize::from(area.width)));
            draw_question(model, &question, words.warning, frame, area);
        }
        SecretView::Seen { is_inverted } => draw_qr(model, entry, is_inverted, frame, area),
    }
}

pub(super) fn draw_prove(model: &Model, open: &Open, id: EntryId, gate: &Gate, frame: &mut Frame<'_>, area: Rect) {
    let title = fit(&title(open, id), usize::from(area.width));
    let mut rows = Rows { area };
    rows.breathe(6);
    rows.say_above(
        2,
        frame,
        &(model.words().secret.question)(&title),
        model.look().strong(),
    );
    rows.breathe(4);
    draw_passphrase(model, gate, frame, &mut rows);
}

fn wrapped_gone(model: &Model, frame: &mut Frame<'_>, area: Rect) {
    wrapped(frame, area, model.words().notice.gone, model.look().plain());
}

fn draw_question(model: &Model, question: &str, warning: &str, frame: &mut Frame<'_>, area: Rect) {
    let look = model.look();
    let mut rows = Rows { area };
    rows.breathe(6);
    rows.say(frame, question, look.strong());
    rows.breathe(4);
    rows.say(frame, warning, look.plain());
}

fn draw_qr(model: &Model, entry: &Entry, is_inverted: bool, frame: &mut Frame<'_>, area: Rect) {
    let (words, look) = (&model.words().secret, model.look());
    let key = Zeroizing::new(format!(
        "{}{}{}",
        words.key,
        model.words().colon,
        text_key(entry.credential().secret()).as_str()
    ));
    let mut rows = Rows { area };
    // The header may give its row.
    let (most_columns, most_lines) = (usize::from(area.width), usize::from(area.height) + 1);
    let qr = match Qr::encode_for_terminal(&uri_of(entry), most_columns, most_lines) {
        Ok(qr) => qr,
        Err(error) => {
            rows.say(frame, &(model.words().trouble)(&Trouble::Qr(error)), look.bad());
            return rows.say(frame, &key, look.plain());
        }
    };
    let (columns, lines) = (qr.width(), qr.rows());
    if !qr.fits(most_columns, most_lines) {
        rows.say(frame, &key, look.strong());
        rows.breathe(3);
        return rows.say(frame, &(words.too_small)(columns, lines + 1), look.plain());
    }
    // Below each other where that leaves a row for each; else beside each other, and the header gives its row.
    let height = usize::from(area.height);
    let is_below = lines + 3 <= height;
    if lines > height {
        rows.area.y -= 1;
        rows.area.height += 1;
    }
    if is_below {
        frame.render_widget(Line::styled(format!(" {}", entry.title()), look.strong()), rows.next());
    }
    // Without colours the terminal's own two have to do, and nobody here knows which is the lighter.
    let terminal = match look.has_colours == is_inverted {
        true => TerminalStyle::PlainOnDark,
        false => TerminalStyle::PlainOnLight,
    };
    let text = qr.to_terminal(terminal);
    for line in text.lines() {
        let row = rows.next();
        match look.has_colours {
            true => draw_modules(frame, row, line),
            false => frame.render_widget(Line::raw(line), row),
        }
    }
    let columns = u16::try_from(columns).unwrap_or(area.width);
    let beside = Rect {
        x: area.x + columns,
        width: area.width - columns,
        ..area
    };
    if is_below || beside.width < LEAST_BESIDE {
        rows.say(frame, &key, look.plain());
    } else {
        let mut rows = Rows { area: beside };
        rows.say(frame, &entry.title(), look.strong());
        rows.breathe(4);
        rows.say(frame, &key, look.plain());
    }
}

/// Dark modules as background wherever they can be: blocks of ink have gaps in many fonts.
fn draw_modules(frame: &mut Frame<'_>, row: Rect, line: &str) {
    for (module, x) in line.chars().zip(row.x..row.right()) {
        let (symbol, ink, ground) = match module {
            '█' => (" ", WHITE, BLACK),
            '▀' => ("▄", WHITE, BLACK),
            '▄' => ("▄", BLACK, WHITE),
            _ => (" ", BLACK, WHITE),
        };
        if let Some(cell) = frame.buffer_mut().cell_mut((x, row.y)) {
            cell.set_symbol(symbol).set_fg(ink).set_bg(ground);
        }
    }
}

pub(super) fn draw_help(model: &Model, scroll: usize, frame: &mut Frame<'_>, area: Rect) {
    let look = model.look();
    let lines = help_rows(model);
    let height = usize::from(area.height);
    let first = scroll.min(lines.len().saturating_sub(height));
    for ((key, what), y) in lines.into_iter().skip(first).take(height).zip(area.y..) {
        let line = Line::from(vec![
            Span::styled(format!(" {key}  "), look.strong()),
            Span::styled(what, look.plain()),
        ]);
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
}

/// The help's rows: a key, padded, and what it does, which may go on in the next row.
pub(in crate::tui) fn help_rows(model: &Model) -> Vec<(String, &'static str)> {
    let help = model.words().help;
    let key_width = help.iter().map(|(key, _)| width(key)).max().unwrap_or(0);
    let columns = usize::from(model.size.0).saturating_sub(key_width + 4);
    let mut all = Vec::new();
    for (key, what) in help {
        let keys = std::iter::once(*key).chain(std::iter::repeat(""));
        let lines = rows(what, columns).into_iter().zip(keys);
        all.extend(lines.map(|(row, key)| (pad(key, key_width), row)));
    }
    all
}

/// A label and what is typed behind it, with the cursor where typing goes on.
pub(super) fn draw_input(
    frame: &mut Frame<'_>,
    area: Rect,
    label: &str,
    input: &Input,
    style: Style,
    has_cursor: bool,
) {
    // A label that leaves no room is cut.
    let label = fit(label, usize::from(area.width).saturating_sub(8));
    let before = u16::try_from(width(&label)).unwrap_or(0);
    let room = area.width.saturating_sub(before);
    let (shown, column) = input.shown(usize::from(room));
    let line = Line::from(vec![Span::styled(label, style), Span::raw(shown.as_str())]);
    frame.render_widget(line, area);
    if has_cursor && area.height > 0 {
        frame.set_cursor_position(Position::new(area.x + before + column, area.y));
    }
}

fn title(open: &Open, id: EntryId) -> String {
    open.vault.entries().get(id).map_or_else(String::new, Entry::title)
}
