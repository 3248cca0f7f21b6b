//! A parsed XML file, with what both of its readers ask: children by name, texts, and where things are.

mod bounds;

use roxmltree::{Document, Error, Node, ParsingOptions};

use crate::{Place, Problem, ReadError};

/// More nodes than 64 MiB of tokens have.
const MAX_NODES: u32 = 4_000_000;

/// Longest name of an element that a message repeats.
const MAX_NAME_LEN: usize = 64;

/// A document and its lines.
pub(crate) struct Xml<'input> {
    document: Document<'input>,
    lines: Lines<'input>,
}

impl<'input> Xml<'input> {
    pub(crate) fn parse(text: &'input str) -> Result<Self, ReadError> {
        let lines = Lines::of(text);
        bounds::check(text).map_err(|(at, problem)| ReadError::malformed(lines.place(at, ""), problem))?;
        let options = ParsingOptions {
            allow_dtd: false,
            nodes_limit: MAX_NODES,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| ReadError::malformed(Place::new(lines.of_error(&error, text), ""), problem(&error)))?;
        Ok(Self { document, lines })
    }

    pub(crate) fn root(&self) -> Node<'_, 'input> {
        self.document.root_element()
    }

    /// Every node, in the file's order, without the elements that `is_left_out` and all within them.
    pub(crate) fn nodes_without(
        &self,
        is_left_out: fn(Node<'_, '_>) -> bool,
    ) -> impl Iterator<Item = Node<'_, 'input>> {
        let mut ahead = vec![self.root()];
        std::iter::from_fn(move || {
            let node = ahead.pop()?;
            let within = node.children().filter(|child| !is_left_out(*child));
            let first = ahead.len();
            ahead.extend(within);
            ahead[first..].reverse();
            Some(node)
        })
    }

    /// Refuses text beside other nodes: a comment in the middle of a secret would cut it off unseen. What `is_left_out` is
    /// not read and may have it.
    pub(crate) fn refuse_mixed_text(&self, is_left_out: fn(Node<'_, '_>) -> bool) -> Result<(), ReadError> {
        let is_mixed = |node: &Node<'_, '_>| {
            node.is_text()
                && (node.prev_sibling().is_some() || node.next_sibling().is_some())
                && node.text().is_some_and(|text| !text.trim().is_empty())
        };
        match self
            .nodes_without(is_left_out)
            .find(is_mixed)
            .and_then(|text| text.parent_element())
        {
            None => Ok(()),
            Some(element) => Err(self.malformed(element, Problem::MixedText)),
        }
    }

    /// The place of an element, called by the last two names of its path.
    pub(crate) fn place(&self, node: Node<'_, '_>) -> Place {
        let name = local_name(node);
        let path = match node.parent_element() {
            Some(parent) => format!("{}/{name}", local_name(parent)),
            None => name,
        };
        self.lines.place(node.range().start, &path)
    }

    pub(crate) fn malformed(&self, node: Node<'_, '_>, problem: Problem) -> ReadError {
        ReadError::malformed(self.place(node), problem)
    }

    pub(crate) fn unsupported(&self, node: Node<'_, '_>, problem: Problem) -> ReadError {
        ReadError::unsupported(self.place(node), problem)
    }
}

/// A name to repeat in a message: short, without control characters.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_NAME_LEN).collect()
}

pub(crate) fn local_name(node: Node<'_, '_>) -> String {
    shown(node.tag_name().name())
}

/// Counts lines: the newlines before each chunk of the text, and the text to count the rest in.
struct Lines<'input> {
    text: &'input [u8],
    before_chunk: Vec<u32>,
}

const CHUNK_LEN: usize = 4096;

impl<'input> Lines<'input> {
    fn of(text: &'input str) -> Self {
        let text = text.as_bytes();
        let mut count = 0;
        let before_chunk = text.chunks(CHUNK_LEN).map(|chunk| {
            let before = count;
            count += newlines(chunk);
            before
        });
        Self {
            before_chunk: before_chunk.collect(),
            text,
        }
    }

    /// The line of an offset, from 1; the last one for offsets behind the end.
    fn line(&self, at: usize) -> u32 {
        let at = at.min(self.text.len());
        let chunk = (at / CHUNK_LEN).min(self.before_chunk.len().saturating_sub(1));
        let before = self.before_chunk.get(chunk).copied().unwrap_or_default();
        before + newlines(&self.text[chunk * CHUNK_LEN..at]) + 1
    }

    fn place(&self, at: usize, element: &str) -> Place {
        Place::new(self.line(at), element)
    }

    fn of_error(&self, error: &Error, text: &str) -> u32 {
        match error {
            // The reader only says that the text ended.
            Error::UnexpectedEndOfStream | Error::UnclosedRootNode => self.line(usize::MAX),
            // The reader does not say where.
            Error::DtdDetected => self.line(text.find("<!DOCTYPE").unwrap_or_default()),
            _ => error.pos().row,
        }
    }
}

/// Files are 64 MiB at most.
fn newlines(bytes: &[u8]) -> u32 {
    bytes.iter().map(|byte| u32::from(*byte == b'\n')).sum()
}

/// The problem of an XML error, without the reader's own repetition of the position or of the file's text.
fn problem(error: &Error) -> Problem {
    match error {
        Error::DtdDetected => Problem::Dtd,
        Error::NodesLimitReached => Problem::ManyNodes,
        Error::UnexpectedEndOfStream | Error::UnclosedRootNode => Problem::CutOff,
        Error::UnexpectedCloseTag(..) => Problem::OtherEnd,
        Error::UnknownNamespace(..) => Problem::UnknownPrefix,
        Error::UnknownEntityReference(..) | Error::MalformedEntityReference(_) => Problem::UnknownEntity,
        Error::DuplicatedAttribute(..) | Error::DuplicatedNamespace(..) => Problem::AttributeTwice,
        Error::NonXmlChar(..) => Problem::ForbiddenCharacter,
        _ => Problem::Xml,
    }
}
