use std::{fs, os::unix::fs::FileTypeExt as _, path::Path, time::Duration};

use serialport::{ClearBuffer, ErrorKind, SerialPort, SerialPortType};

use crate::OpenError;

/// A serial port of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// `/dev/ttyACM0`
    pub path: String,
    /// What is plugged in, where it is a USB device.
    pub usb: Option<UsbDevice>,
}

/// The descriptors of a USB device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbDevice {
    /// `idVendor`
    pub vendor_id: u16,
    /// `idProduct`
    pub product_id: u16,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub product: Option<String>,
    /// Of the USB device, which is not the token's.
    pub serial_number: Option<String>,
}

/// An open port, and nobody else's until it is dropped.
pub type Port = Box<dyn SerialPort>;

/// A token's line: 115,200 baud, 8 data bits, no parity.
const BAUD: u32 = 115_200;
/// The time that a read waits.
const READ: Duration = Duration::from_millis(50);

/// The machine's serial ports, those of USB first.
pub fn ports() -> Vec<Found> {
    // The crate panics where a container has no such directory.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Vec::new();
    }
    let mut found: Vec<_> = serialport::available_ports()
        .unwrap_or_default()
        .into_iter()
        .map(|port| Found {
            path: port.port_name,
            usb: match port.port_type {
                SerialPortType::UsbPort(usb) => Some(UsbDevice {
                    vendor_id: usb.vid,
                    product_id: usb.pid,
                    manufacturer: usb.manufacturer,
                    product: usb.product,
                    serial_number: usb.serial_number,
                }),
                _ => None,
            },
        })
        .collect();
    found.sort_by(|a, b| (a.usb.is_none(), &a.path).cmp(&(b.usb.is_none(), &b.path)));
    found
}

/// Opens a port for this process alone. A pseudo-terminal is one, too.
///
/// # Errors
/// [`OpenError`].
pub fn open(path: &str) -> Result<Port, OpenError> {
    let named = || path.to_owned();
    match fs::metadata(path) {
        Ok(about) if !about.file_type().is_char_device() => return Err(OpenError::NotAPort(named())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(OpenError::Missing(named())),
        _ => {}
    }
    let opened = serialport::new(path, BAUD).timeout(READ).dtr_on_open(true).open();
    let mut port = opened.map_err(|error| match error.kind {
        ErrorKind::NoDevice => OpenError::Busy(named()),
        ErrorKind::Io(std::io::ErrorKind::NotFound) => OpenError::Missing(named()),
        ErrorKind::Io(std::io::ErrorKind::PermissionDenied) => OpenError::Forbidden(named()),
        // What `/dev/null` says.
        ErrorKind::Unknown if error.description.contains("typewriter") => OpenError::NotAPort(named()),
        _ => OpenError::Other(named(), error.description),
    })?;
    // A pseudo-terminal has no such lines (ENOTTY), and a token needs none.
    let _no_such_line = port.write_request_to_send(true);
    // What was said to whoever had it before.
    let _nothing_there = port.clear(ClearBuffer::Input);
    Ok(port)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{File, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;

    fn refused(path: &str) -> OpenError {
        open(path).expect_err("refused")
    }

    #[test]
    fn what_is_no_port_is_named() {
        assert!(matches!(refused("/dev/ttyNONE"), OpenError::Missing(_)));
        assert!(
            matches!(refused("/dev/null"), OpenError::NotAPort(_)),
            "{}",
            refused("/dev/null")
        );
        assert!(matches!(refused("/"), OpenError::NotAPort(_)));
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(refused(file.path().to_str().unwrap()), OpenError::NotAPort(_)));
    }

    #[test]
    fn a_port_is_had_by_one() {
        let pty = simulator::Pty::open().unwrap();
        let path = pty.path().to_str().unwrap();
        let first = open(path).unwrap();
        assert!(matches!(refused(path), OpenError::Busy(_)));
        drop(first);
        open(path).unwrap();
    }

    #[test]
    fn a_forbidden_port_names_the_group_and_the_rule() {
        let forbidden = OpenError::Forbidden("/dev/ttyACM0".into());
        assert!(forbidden.remedy().contains("dialout") && forbidden.remedy().contains("70-countersign-token.rules"));
        let pty = simulator::Pty::open().unwrap();
        let device = File::open(pty.path()).unwrap();
        device.set_permissions(Permissions::from_mode(0o000)).unwrap();
        // Root may all the same.
        match open(pty.path().to_str().unwrap()) {
            Ok(_) => {}
            Err(error) => assert!(matches!(error, OpenError::Forbidden(_)), "{error}"),
        }
    }

    #[test]
    fn ports_are_listed_wherever_there_are_any() {
        for port in ports() {
            assert!(port.path.starts_with("/dev/"), "{}", port.path);
        }
    }
}
