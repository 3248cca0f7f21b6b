use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

use syn::{
    Attribute, ImplItemFn, Item, ItemFn, ItemMod, TraitItemFn, Visibility,
    spanned::Spanned,
    visit::{self, Visit},
};

/// The size of functions and files, and how much is explained, of each crate
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Measures this commit instead of the tree as it is
    #[arg(long, value_name = "REVISION")]
    of: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match measured(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measured(arguments: &Arguments) -> Result<(), String> {
    let Some(revision) = &arguments.of else {
        return print(Path::new("."));
    };
    let dir = std::env::temp_dir().join(format!("countersign-measure-{}", std::process::id()));
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let done = unpack(revision, &dir).and_then(|()| print(&dir));
    // What is left is nobody's.
    let _ = fs::remove_dir_all(&dir);
    done
}

fn unpack(revision: &str, dir: &Path) -> Result<(), String> {
    let failed = |what: &str| format!("{what} of {revision} failed: is it a commit of this repository?");
    let archive = Command::new("git")
        .args(["archive", revision])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("git: {error}"))?;
    let from = archive.stdout.ok_or_else(|| failed("git archive"))?;
    let unpacked = Command::new("tar")
        .arg("xf")
        .arg("-")
        .arg("-C")
        .arg(dir)
        .stdin(from)
        .status();
    match unpacked {
        Ok(status) if status.success() && dir.join("Cargo.toml").exists() => Ok(()),
        _ => Err(failed("git archive")),
    }
}

fn print(root: &Path) -> Result<(), String> {
    println!(
        "| {:14} | {:>6} | functions p50 | p90 | p99 | files p50 | p90 | comments | documented |",
        "crate", "lines"
    );
    println!(
        "|{}|-------:|--------------:|----:|----:|----------:|----:|---------:|-----------:|",
        "-".repeat(16)
    );
    let mut crates = vec![("src".to_owned(), root.join("src"))];
    let found = fs::read_dir(root.join("crates")).map_err(|error| format!("crates: {error}"))?;
    for entry in found {
        let entry = entry.map_err(|error| format!("crates: {error}"))?;
        crates.push((
            entry.file_name().to_string_lossy().into_owned(),
            entry.path().join("src"),
        ));
    }
    crates.sort();
    for (name, dir) in crates {
        let mut sizes = Sizes::default();
        for path in sources(&dir)? {
            sizes.file(&path)?;
        }
        println!("{}", sizes.row(&name));
    }
    Ok(())
}

/// The Rust files below a directory.
fn sources(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", dir.display()))?.path();
        if path.is_dir() {
            found.extend(sources(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    Ok(found)
}

/// The figures of one crate. Tests within it are not.
#[derive(Default)]
struct Sizes {
    functions: Vec<usize>,
    files: Vec<usize>,
    comments: usize,
    public: usize,
    documented: usize,
}

impl Sizes {
    fn file(&mut self, path: &Path) -> Result<(), String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let file = syn::parse_file(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let tests: usize = file
            .items
            .iter()
            .filter(|item| matches!(item, Item::Mod(module) if is_test(&module.attrs)))
            .map(lines)
            .sum();
        let is_comment = |line: &&str| line.trim_start().starts_with("//");
        self.files.push(text.lines().count() - tests);
        self.comments += text.lines().filter(is_comment).count();
        self.visit_file(&file);
        Ok(())
    }

    fn item(&mut self, visibility: &Visibility, attributes: &[Attribute]) {
        if matches!(visibility, Visibility::Public(_)) {
            self.public += 1;
            self.documented += usize::from(attributes.iter().any(|attribute| attribute.path().is_ident("doc")));
        }
    }

    fn row(mut self, name: &str) -> String {
        let lines: usize = self.files.iter().sum();
        let percent = |part: usize, whole: usize| 100 * part / whole.max(1);
        self.functions.sort_unstable();
        self.files.sort_unstable();
        format!(
            "| {name:14} | {lines:6} | {:13} | {:3} | {:3} | {:9} | {:3} | {:6} % | {:8} % |",
            quantile(&self.functions, 50),
            quantile(&self.functions, 90),
            quantile(&self.functions, 99),
            quantile(&self.files, 50),
            quantile(&self.files, 90),
            percent(self.comments, lines),
            percent(self.documented, self.public),
        )
    }
}

fn quantile(sorted: &[usize], percent: usize) -> usize {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or(0)
}

fn lines(spanned: &impl Spanned) -> usize {
    let span = spanned.span();
    span.end().line - span.start().line + 1
}

fn is_test(attributes: &[Attribute]) -> bool {
    let is = |attribute: &Attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Path>()
                .is_ok_and(|path| path.is_ident("test"))
    };
    attributes.iter().any(is)
}

/// From `fn` to the closing brace: what is written above it explains it.
impl<'ast> Visit<'ast> for Sizes {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Struct(item) => self.item(&item.vis, &item.attrs),
            Item::Enum(item) => self.item(&item.vis, &item.attrs),
            Item::Trait(item) => self.item(&item.vis, &item.attrs),
            Item::Const(item) => self.item(&item.vis, &item.attrs),
            Item::Type(item) => self.item(&item.vis, &item.attrs),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.item(&function.vis, &function.attrs);
        self.functions.push(lines(&function.sig) + lines(&function.block) - 1);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.item(&function.vis, &function.attrs);
        self.functions.push(lines(&function.sig) + lines(&function.block) - 1);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.functions.push(lines(&function.sig) + lines(block) - 1);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_measured_without_its_tests() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = "//! A crate.\n\n/// Adds.\npub fn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n\npub struct Bare;\n\n#[cfg(test)]\nmod tests {\n    fn long() {\n    }\n}\n";
        fs::write(dir.path().join("lib.rs"), text).expect("a file");
        let mut sizes = Sizes::default();
        for path in sources(dir.path()).expect("a directory") {
            sizes.file(&path).expect("a source");
        }
        assert_eq!((&*sizes.functions, sizes.comments), (&[3][..], 2));
        assert_eq!((sizes.public, sizes.documented), (2, 1));
        assert_eq!(sizes.files, [9]);
    }
}
