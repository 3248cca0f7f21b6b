//! What is wrong at a place of a seed file, in words.

use service::SeedProblem;

use crate::pages::frame::Frame;

/// A part of a sentence, as it stands behind the place.
pub(super) fn said(frame: &Frame, problem: &SeedProblem) -> String {
    match problem {
        SeedProblem::NeitherEncoding => frame.t("seed_problem.neither_encoding"),
        SeedProblem::MixedEncodings { here, line, there } => {
            let [here, line, there] = [here.to_string(), line.to_string(), there.to_string()];
            frame.lang.say(
                "seed_problem.mixed_encodings",
                &[("here", &here), ("line", &line), ("there", &there)],
            )
        }
        SeedProblem::OtherEncoding { wanted } => frame.t1("seed_problem.other_encoding", "wanted", wanted),
        SeedProblem::TableEncoding => frame.t("seed_problem.table_encoding"),
        SeedProblem::YubicoLine => frame.t("seed_problem.yubico_line"),
        SeedProblem::LongName => frame.t("seed_problem.long_name"),
        SeedProblem::ColumnTwice => frame.t("seed_problem.column_twice"),
        SeedProblem::ColumnsOfOneMeaning => frame.t("seed_problem.columns_of_one_meaning"),
        SeedProblem::NoSerialNumberLook => frame.t("seed_problem.no_serial_number_look"),
        SeedProblem::BitsOfNoToken { bits } => frame.t1("seed_problem.bits_of_no_token", "bits", bits),
        SeedProblem::NumberForKind => frame.t("seed_problem.number_for_kind"),
        SeedProblem::ColumnCount { count, least, most } => {
            let wanted = match least == most {
                true => least.to_string(),
                false => format!("{least}–{most}"),
            };
            let count = count.to_string();
            frame.t2("seed_problem.column_count", &("count", &count), &("wanted", &wanted))
        }
        SeedProblem::NotANumber => frame.t("seed_problem.not_a_number"),
        SeedProblem::ManyColumns => frame.t("seed_problem.many_columns"),
        SeedProblem::ControlCharacter => frame.t("seed_problem.control_character"),
        SeedProblem::BadCell => frame.t("seed_problem.bad_cell"),
        SeedProblem::ManyLines => frame.t("seed_problem.many_lines"),
        SeedProblem::ManyAttributes => frame.t("seed_problem.many_attributes"),
        SeedProblem::DeepElements => frame.t("seed_problem.deep_elements"),
        SeedProblem::ManyNamespaces => frame.t("seed_problem.many_namespaces"),
        SeedProblem::Dtd => frame.t("seed_problem.dtd"),
        SeedProblem::ManyNodes => frame.t("seed_problem.many_nodes"),
        SeedProblem::CutOff => frame.t("seed_problem.cut_off"),
        SeedProblem::OtherEnd => frame.t("seed_problem.other_end"),
        SeedProblem::UnknownPrefix => frame.t("seed_problem.unknown_prefix"),
        SeedProblem::UnknownEntity => frame.t("seed_problem.unknown_entity"),
        SeedProblem::AttributeTwice => frame.t("seed_problem.attribute_twice"),
        SeedProblem::ForbiddenCharacter => frame.t("seed_problem.forbidden_character"),
        SeedProblem::Xml => frame.t("seed_problem.xml"),
        SeedProblem::MixedText => frame.t("seed_problem.mixed_text"),
        SeedProblem::Derivation => frame.t("seed_problem.derivation"),
        SeedProblem::Missing { name } => frame.t1("seed_problem.missing", "name", name),
        SeedProblem::Iterations => frame.t("seed_problem.iterations"),
        SeedProblem::KeyLength => frame.t("seed_problem.key_length"),
        SeedProblem::Prf => frame.t("seed_problem.prf"),
        SeedProblem::TwoDialects => frame.t("seed_problem.two_dialects"),
        SeedProblem::CheckDigits => frame.t("seed_problem.check_digits"),
        SeedProblem::LengthNumber => frame.t("seed_problem.length_number"),
        SeedProblem::Counter => frame.t("seed_problem.counter"),
        SeedProblem::TimeDrift => frame.t("seed_problem.time_drift"),
        SeedProblem::TwoOfThem => frame.t("seed_problem.two_of_them"),
        SeedProblem::ManagementKey => frame.t("seed_problem.management_key"),
        SeedProblem::TwoMacs => frame.t("seed_problem.two_macs"),
        SeedProblem::TwoValues => frame.t("seed_problem.two_values"),
        SeedProblem::DecryptedNumber => frame.t("seed_problem.decrypted_number"),
        SeedProblem::PlainNumber => frame.t("seed_problem.plain_number"),
        SeedProblem::MacAlgorithm => frame.t("seed_problem.mac_algorithm"),
        SeedProblem::MacKeyElsewhere => frame.t("seed_problem.mac_key_elsewhere"),
        SeedProblem::MacWithoutMethod => frame.t("seed_problem.mac_without_method"),
        SeedProblem::MacTakenAway => frame.t("seed_problem.mac_taken_away"),
        SeedProblem::KeyOfOtherLength { bytes } => frame.t1("seed_problem.key_of_other_length", "bytes", bytes),
        SeedProblem::Cipher => frame.t("seed_problem.cipher"),
        SeedProblem::ElementTwice => frame.t("seed_problem.element_twice"),
        SeedProblem::Version => frame.t("seed_problem.version"),
        SeedProblem::NoKeyPackage => frame.t("seed_problem.no_key_package"),
        SeedProblem::NotBase64 => frame.t("seed_problem.not_base64"),
        SeedProblem::NotADate => frame.t("seed_problem.not_a_date"),
    }
}
