//! What axe-core says of the page: WCAG 2.2 AA, and what it calls best practices.

use serde_json::{Value, json};

use super::Browser;

const AXE: &str = include_str!("../../support/axe/axe.min.js");

/// Everything. `target-size` is of WCAG 2.2 and off unless it is asked for.
pub(super) const ALL: &str = "{
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: {'target-size': {enabled: true}},
    resultTypes: ['violations'],
}";
/// What another shade may break.
pub(super) const COLOURS: &str =
    "{runOnly: {type: 'rule', values: ['color-contrast', 'link-in-text-block']}, resultTypes: ['violations']}";

const ASK: &str = "
    const done = arguments[arguments.length - 1];
    axe.run(document, WANTED).then(
        (found) => done({violations: found.violations, passed: found.passes.length}),
        (error) => done({error: String(error)}),
    );
";

impl Browser {
    /// A line for each place of the page that breaks a rule; none where all is well.
    #[track_caller]
    pub(super) fn axe_faults(&self, wanted: &str) -> Vec<String> {
        // Its promises need scripts to run; those of the page had their chance when it was loaded.
        if !self.options.scripts {
            self.allow_scripts(true);
        }
        let found = self.ask_axe(wanted);
        if !self.options.scripts {
            self.allow_scripts(false);
        }
        assert!(
            found["passed"].as_u64().is_some_and(|passed| passed > 0),
            "axe did not look: {found}"
        );
        let violations = found["violations"].as_array().expect("a list");
        violations.iter().flat_map(lines).collect()
    }

    #[track_caller]
    pub(crate) fn axe(&self) {
        let faults = self.axe_faults(ALL);
        assert!(faults.is_empty(), "axe on {}:\n{}", self.url(), faults.join("\n"));
    }

    #[track_caller]
    fn ask_axe(&self, wanted: &str) -> Value {
        if self.script("return typeof window.axe === 'undefined'", vec![]) == json!(true) {
            self.script(&format!("{AXE}\nwindow.axe = axe;"), vec![]);
        }
        let asked = self.wait(self.client.execute_async(&ASK.replace("WANTED", wanted), vec![]));
        asked.unwrap_or_else(|error| panic!("axe does not answer: {error}"))
    }
}

fn lines(violation: &Value) -> Vec<String> {
    let nodes = violation["nodes"].as_array().expect("the places");
    let line = |node: &Value| {
        format!(
            "{}: {}\n    at {}\n    {}\n    {}",
            violation["id"], violation["help"], node["target"], node["html"], node["failureSummary"]
        )
    };
    nodes.iter().map(line).collect()
}
