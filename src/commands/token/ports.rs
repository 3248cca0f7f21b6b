use std::process::ExitCode;

use clap::Args;
use link::Found;
use serde_json::{Value, json};
use vault::shown;

use crate::commands::{Done, print_json};

#[derive(Args)]
pub(in crate::commands) struct Ports {
    /// Prints an array
    #[arg(long)]
    json: bool,
}

impl Ports {
    pub(super) fn run(self) -> Done {
        let ports = link::ports();
        if self.json {
            print_json(&ports.iter().map(described).collect::<Vec<_>>())?;
        } else {
            for port in &ports {
                tell!("{}", line(port))?;
            }
            if ports.is_empty() {
                eprintln!("there is no serial port; `countersign token simulate` makes one");
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn line(port: &Found) -> String {
    let Some(usb) = &port.usb else { return port.path.clone() };
    let said: Vec<_> = [&usb.manufacturer, &usb.product]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    format!(
        "{}  {:04x}:{:04x}  {}",
        port.path,
        usb.vendor_id,
        usb.product_id,
        shown(&said.join(" "))
    )
    .trim_end()
    .to_owned()
}

fn described(port: &Found) -> Value {
    json!({
        "port": port.path,
        "usb": port.usb.as_ref().map(|usb| json!({
            "vendor_id": format!("{:04x}", usb.vendor_id),
            "product_id": format!("{:04x}", usb.product_id),
            "manufacturer": usb.manufacturer,
            "product": usb.product,
            "serial_number": usb.serial_number,
        })),
    })
}
