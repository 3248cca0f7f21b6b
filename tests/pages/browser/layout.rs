//! Whether everything on the page fits: no sideways scrolling, no text that is cut off or hangs out of its box.

use super::Browser;

impl Browser {
    /// Each element that does not fit, with what is wrong; none where all is well.
    #[track_caller]
    pub(crate) fn layout_faults(&self) -> Vec<String> {
        let faults = self.script(include_str!("layout.js"), vec![]);
        let faults = faults.as_array().expect("a list of faults");
        faults
            .iter()
            .map(|fault| fault.as_str().unwrap_or_default().to_owned())
            .collect()
    }

    #[track_caller]
    pub(crate) fn layout(&self) {
        let faults = self.layout_faults();
        assert!(faults.is_empty(), "{} does not fit:\n{}", self.url(), faults.join("\n"));
    }
}
