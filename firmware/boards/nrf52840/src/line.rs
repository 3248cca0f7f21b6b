//! The serial line: USB CDC ACM. USB itself holds the host back while the application works, so nothing is buffered.

use nrf52840_hal::{
    Clocks,
    clocks::{ExternalOscillator, LfOscStarted},
    pac::USBD,
    usbd::{UsbPeripheral, Usbd},
};
use token::PortError;
use usb_device::{
    bus::UsbBusAllocator,
    device::{StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid},
};
use usbd_serial::{SerialPort, USB_CLASS_CDC};

pub(crate) type RunningClocks = Clocks<ExternalOscillator, ExternalOscillator, LfOscStarted>;
pub(crate) type Bus = Usbd<UsbPeripheral<'static>>;

/// pid.codes' number for trials; a product needs one of its own.
const TRIAL: UsbVidPid = UsbVidPid(0x1209, 0x0001);
/// Looks for a host that does not take what it was to get, before it is given up.
const PATIENCE: u32 = 1_000_000;

pub(crate) struct Line {
    device: UsbDevice<'static, Bus>,
    serial: SerialPort<'static, Bus>,
}

impl Line {
    pub(crate) fn bus(usbd: USBD, clocks: &'static RunningClocks) -> UsbBusAllocator<Bus> {
        UsbBusAllocator::new(Usbd::new(UsbPeripheral::new(usbd, clocks)))
    }

    pub(crate) fn start(bus: &'static UsbBusAllocator<Bus>) -> Option<Self> {
        let serial = SerialPort::new(bus);
        let names = StringDescriptors::default()
            .manufacturer("Countersign")
            .product(token::MODEL);
        let device = UsbDeviceBuilder::new(bus, TRIAL).strings(&[names]).ok()?;
        Some(Self {
            device: device.device_class(USB_CLASS_CDC).build(),
            serial,
        })
    }

    /// Whether the host may have something to say at any time.
    pub(crate) fn is_connected(&self) -> bool {
        !matches!(self.device.state(), UsbDeviceState::Default | UsbDeviceState::Suspend)
    }

    /// Takes what was received; returns how many bytes.
    pub(crate) fn receive(&mut self, into: &mut [u8]) -> usize {
        self.device.poll(&mut [&mut self.serial]);
        self.serial.read(into).unwrap_or(0)
    }

    pub(crate) fn send(&mut self, mut bytes: &[u8]) -> Result<(), PortError> {
        for _ in 0..PATIENCE {
            if bytes.is_empty() && self.serial.flush().is_ok() {
                return Ok(());
            }
            if let Ok(sent) = self.serial.write(bytes) {
                bytes = bytes.get(sent..).unwrap_or_default();
            }
            self.device.poll(&mut [&mut self.serial]);
        }
        Err(PortError)
    }
}
