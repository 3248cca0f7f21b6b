//! Issue 15, item 14: files as Windows and its spreadsheet programs write them.

use otp::{Algorithm, Period};
use pskc::{Format, Moving, ReadError, Reason, Receipt, Remark, Seed, Unlock, read};

const ONE: &str = "d41c7fa09b3358e6627cb1f4802e95adc3176b0f";
const TWO: &str = "09fe8a6c55b2d713e48f30a1c96be2745d0187cc";

fn taken(file: &[u8]) -> Receipt {
    read(file, &Unlock::Nothing).unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(file)))
}

fn is(seed: &Seed, serial_number: &str, secret: &str) {
    assert_eq!(seed.serial_number, serial_number);
    let bytes = data_encoding::HEXLOWER.decode(secret.as_bytes()).unwrap();
    assert_eq!(seed.secret.expose_secret(), bytes, "{serial_number}");
    let period = Period::THIRTY;
    assert_eq!(seed.moving, Moving::Time { period, drift_steps: 0 });
    assert_eq!((seed.algorithm, seed.digits.get()), (Algorithm::Sha1, 6));
}

fn utf16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{feff}{text}").encode_utf16().flat_map(bytes_of).collect()
}

#[test]
fn item_14_utf16_of_both_orders_is_read_and_named() {
    let text = format!("serial,secret,manufacturer\r\nW-1,{ONE},Müller 云\r\nW-2,{TWO},Acme\r\n");
    let files = [
        (utf16(&text, u16::to_le_bytes), "UTF-16LE"),
        (utf16(&text, u16::to_be_bytes), "UTF-16BE"),
    ];
    for (file, name) in files {
        let receipt = taken(&file);
        is(&receipt.seeds[0], "W-1", ONE);
        is(&receipt.seeds[1], "W-2", TWO);
        assert_eq!(receipt.seeds[0].manufacturer.as_deref(), Some("Müller 云"));
        assert_eq!(receipt.remarks.last(), Some(&Remark::Recoded(name)));
        let cut = read(&file[..file.len() - 1], &Unlock::Nothing).err().unwrap();
        assert_eq!(cut, ReadError::Encoding(name.into()));
        assert!(cut.to_string().contains(name), "the refusal names it: {cut}");
    }
    let marked = format!("\u{feff}{text}");
    assert!(
        !taken(marked.as_bytes())
            .remarks
            .iter()
            .any(|remark| matches!(remark, Remark::Recoded(_)))
    );
}

#[test]
fn item_14_windows_1252_is_read_where_it_is_names_and_never_a_serial_number() {
    let file = [
        format!("serial,secret,vendor\nW-1,{ONE},").as_bytes(),
        b"M\xfcller \x80\n",
    ]
    .concat();
    let receipt = taken(&file);
    is(&receipt.seeds[0], "W-1", ONE);
    assert_eq!(receipt.seeds[0].manufacturer.as_deref(), Some("Müller €"));
    assert_eq!(receipt.remarks.last(), Some(&Remark::Recoded("windows-1252")));
    let file = [b"serial,secret\nW\xfc-1,", ONE.as_bytes(), b"\n"].concat();
    let receipt = taken(&file);
    assert_eq!(receipt.seeds.len(), 0);
    assert_eq!(receipt.refused[0].reason, Reason::UnsureSerialNumber);
    assert_eq!(receipt.refused[0].place.line, 2);
}

#[test]
fn item_14_an_xml_declaration_names_the_encoding() {
    let file = [b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\
          <KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage><DeviceInfo>\
          <Manufacturer>B\xe9b\xe9</Manufacturer><SerialNo>\xc9-1</SerialNo></DeviceInfo>\
          <Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\"><Data><Secret>\
          <PlainValue>1Bx/oJszWOZifLH0gC6VrcMXaw8=</PlainValue></Secret></Data></Key></KeyPackage></KeyContainer>"
        .as_slice()]
    .concat();
    let receipt = taken(&file);
    is(&receipt.seeds[0], "É-1", ONE);
    assert_eq!(receipt.seeds[0].manufacturer.as_deref(), Some("Bébé"));
    assert_eq!(receipt.remarks, [Remark::Recoded("windows-1252")]);
}

#[test]
fn item_14_xml_in_utf16_is_read_whatever_its_declaration_says() {
    for declared in ["", " encoding=\"UTF-16\"", " encoding=\"utf-8\""] {
        let text = format!(
            "<?xml version=\"1.0\"{declared}?><KeyContainer Version=\"1.0\" \
             xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"><KeyPackage><DeviceInfo><Manufacturer>Łódź</Manufacturer>\
             <SerialNo>W-7</SerialNo></DeviceInfo><Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:totp\">\
             <Data><Secret><PlainValue>1Bx/oJszWOZifLH0gC6VrcMXaw8=</PlainValue></Secret></Data></Key></KeyPackage>\
             </KeyContainer>"
        );
        let receipt = taken(&utf16(&text, u16::to_le_bytes));
        is(&receipt.seeds[0], "W-7", ONE);
        assert_eq!(receipt.seeds[0].manufacturer.as_deref(), Some("Łódź"));
    }
}

#[test]
fn item_14_lines_for_spreadsheet_programs_and_for_people_are_none() {
    for file in [
        format!("sep=,\r\nW-1,{ONE}\r\nW-2,{TWO}\r\n"),
        format!("\"sep=,\"\r\nserial,secret,,\r\nW-1,{ONE},,\r\nW-2,{TWO},,\r\n"),
        format!("# made on Monday, by hand\nW-1,{ONE}\n  # the second, \"new\nW-2,{TWO}\n"),
        format!("\"# made on Monday, by hand\",,\nserial,secret,\nW-1,{ONE},\n#,,\n,,\nW-2,{TWO},\n"),
        format!("SEP=;\nserial;secret\n=\"W-1\";{ONE}\nW-2;\"=\"\"{TWO}\"\"\"\n"),
    ] {
        let receipt = taken(file.as_bytes());
        assert_eq!(receipt.format, Format::SerialSeed, "{file}");
        assert_eq!((receipt.seeds.len(), receipt.refused.len()), (2, 0), "{file}");
        is(&receipt.seeds[0], "W-1", ONE);
        is(&receipt.seeds[1], "W-2", TWO);
    }
    let piped = format!("sep=|\nW-1|{ONE}|totp|6|30\n");
    is(&taken(piped.as_bytes()).seeds[0], "W-1", ONE);
}

#[test]
fn item_14_a_rounded_number_is_refused_and_its_line_says_what_to_do() {
    for file in [
        format!("1.23457E+12,{ONE}\n2600123456790,{TWO}\n"),
        format!("serial;secret\n1,23457E+12;{ONE}\n2600123456790;{TWO}\n"),
    ] {
        let receipt = taken(file.as_bytes());
        assert_eq!(receipt.seeds.len(), 1, "{file}");
        is(&receipt.seeds[0], "2600123456790", TWO);
        assert_eq!(receipt.refused[0].reason, Reason::Rounded { what: "serial number" });
        let said = receipt.refused[0].to_string();
        assert!(said.contains("E+12") && said.contains("that column as text"), "{said}");
    }
    let receipt = taken(format!("serial,secret\n1,3.13233E+39\n2,{TWO}\n").as_bytes());
    assert_eq!(receipt.refused[0].reason, Reason::Rounded { what: "secret" });
    is(&receipt.seeds[0], "2", TWO);
}
